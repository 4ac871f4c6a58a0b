"""What readers are owed when their comments are moderated: reasons, a way to object, answers, and figures for all.

After the Digital Services Act, Regulation (EU) 2022/2065: statements of reasons (Article 17), notices of illegal
content (16), complaints (20), transparency reports (15, 24). Knows no web and no mail server.
"""
