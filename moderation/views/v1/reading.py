"""The operations of the API that change nothing."""

from moderation import assessments, delivery, resources, wire
from moderation import preview as previewing
from moderation.errors import NotFound
from moderation.views import services
from moderation.views.v1.operation import Call, operation


@operation("GET", "/site", answer=wire.SiteOut)
def site(call: Call) -> wire.SiteOut:
    """Tell what is known of the site."""
    return resources.site(call.site)


@operation("GET", "/articles", answer=wire.Page[wire.ArticleOut], query=wire.Slice)
def articles(call: Call) -> wire.Page[wire.ArticleOut]:
    """List the articles in the order in which they came."""
    return resources.articles(call.session, call.site, call.query)


@operation("GET", "/articles/<id:article_id>", answer=wire.ArticleOut)
def article(call: Call, article_id: str) -> wire.ArticleOut:
    """Tell what is known of an article."""
    return resources.article(resources.find_article(call.session, call.site, article_id))


@operation("GET", "/comments", answer=wire.Page[wire.CommentOut], query=wire.CommentSlice)
def comments(call: Call) -> wire.Page[wire.CommentOut]:
    """List the comments in the order in which they came."""
    return resources.comments(call.session, call.site, call.query)


@operation("GET", "/comments/<id:comment_id>", answer=wire.CommentOut)
def comment(call: Call, comment_id: str) -> wire.CommentOut:
    """Tell how a comment stands."""
    return resources.comment(resources.find_comment(call.session, call.site, comment_id))


@operation("GET", "/comments/<id:comment_id>/assessment", answer=wire.AssessmentOut)
def assessment(call: Call, comment_id: str) -> wire.AssessmentOut:
    """Tell what judge and rules say of a comment."""
    resources.find_comment(call.session, call.site, comment_id)
    found = assessments.of(call.session, call.site, [comment_id])
    if not found:
        raise NotFound(f"The comment {comment_id!r} is not judged yet.", code="not_judged")
    return wire.AssessmentOut.model_validate(found[0])


@operation("GET", "/comments/<id:comment_id>/decisions", answer=wire.Decisions)
def decided(call: Call, comment_id: str) -> wire.Decisions:
    """List what was decided on a comment."""
    found = resources.find_comment(call.session, call.site, comment_id)
    return wire.Decisions(decisions=tuple(resources.decision(made, call.site) for made in found.decisions))


@operation("GET", "/assessments", answer=wire.Assessments, query=wire.WhichComments)
def assessed(call: Call) -> wire.Assessments:
    """Tell what judge and rules say of up to 100 comments."""
    return wire.Assessments.model_validate({"assessments": assessments.of(call.session, call.site, call.query.comment)})


@operation("GET", "/decisions", answer=wire.Messages, query=wire.Feed)
def decisions(call: Call) -> wire.Messages:
    """List decisions that the site has not acknowledged, oldest first."""
    after, links = call.query.after, services().settings.links
    waiting = delivery.waiting(call.session, call.site, after=after, limit=call.query.limit, links=links)
    cursor = waiting[-1]["cursor"] if waiting else str(after)
    return wire.Messages.model_validate({"decisions": waiting, "cursor": cursor})


@operation("GET", "/deliveries", answer=wire.Page[wire.DeliveryOut], query=wire.DeliverySlice)
def deliveries(call: Call) -> wire.Page[wire.DeliveryOut]:
    """List decisions on their way to the site, in the order in which they were made."""
    return resources.deliveries(call.session, call.site, call.query)


@operation("GET", "/deliveries/<int:delivery_id>", answer=wire.DeliveryOut)
def sent(call: Call, delivery_id: int) -> wire.DeliveryOut:
    """Tell how a delivery stands."""
    return resources.delivery(resources.find_delivery(call.session, call.site, delivery_id))


@operation("GET", "/rules", answer=wire.RulesOut)
def rules(call: Call) -> wire.RulesOut:
    """List the house rules as they are stated."""
    return resources.rules(call.session, call.site)


@operation("POST", "/preview", answer=wire.PreviewOut, body=wire.Draft)
def preview(call: Call) -> wire.PreviewOut:
    """Say which rule a text would put in doubt, and by which words, before anybody sends it. Nothing is stored."""
    asked: wire.Draft = call.body
    article = resources.find_article(call.session, call.site, asked.article_id) if asked.article_id else None
    job = previewing.job(
        call.session,
        call.site,
        text=asked.text,
        article=article,
        parent_id=asked.parent_id,
        commenter_id=asked.commenter_id,
    )
    assessment, said = previewing.look(services().judge, job)
    return resources.preview(asked.text, said, call.site, (assessment.relevance, assessment.disrespect))
