import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.judge.case import Kind
from moderation.judge.lexicon import entries, find, thrown


def found(text, language="de"):
    return {(text[hit.start : hit.end], hit.kind) for hit in find(text, language)}


@pytest.mark.parametrize(
    "word",
    ["Idiot", "Idioten", "Vollidiot", "Idiotinnen", "VOLLIDIOTEN", "Id10t", "I d i o t", "Idiooooot", "іdiоt", "Idi*t"],
)
def test_an_insult_is_found_however_it_is_written(word):
    assert (word, Kind.INSULT) in found(f"So ein {word} aber auch")


@pytest.mark.parametrize(
    ("text", "word", "kind"),
    [
        ("Was für ein Scheißwetter", "Scheißwetter", Kind.PROFANITY),
        ("Was fuer ein Scheisswetter", "Scheisswetter", Kind.PROFANITY),
        ("Diese Volltrottel da", "Volltrottel", Kind.INSULT),
        ("So ein Rotzlöffel", "Rotzlöffel", Kind.INSULT),
        ("Der Wappler schon wieder", "Wappler", Kind.INSULT),
        ("Du Tubel", "Tubel", Kind.INSULT),
        ("Heul leiser, du Wohlstandsverwahrloster", "Wohlstandsverwahrloster", Kind.INSULT),
        ("lauter Kulturbereicherer", "Kulturbereicherer", Kind.IDENTITY_ATTACK),
        ("Nichts als Trolle hier", "Trolle", Kind.INSULT),
        ("Halt einfach die Klappe", "Klappe", Kind.PROFANITY),
        ("you fucking liar", "fucking", Kind.PROFANITY),
        ("you spineless twerps", "spineless", Kind.INSULT),
        ("you trolls again", "trolls", Kind.INSULT),
    ],
)
def test_compounds_and_umlauts_are_known(text, word, kind):
    assert (word, kind) in found(text, "en" if "you" in text else "de")


@pytest.mark.parametrize(
    "text",
    [
        "Der Marsch der Spezialisten durch Kackertshausen endet mit Marschmallow und Kakadu.",
        "Ein barscher Ton, ein harscher Winter, der Assistent kontrolliert die Trolleys.",
        "Das Dickicht am Fluss, ein dicker Hund und dick gedruckt.",
        "Die Klasse hat den Grundpass bestanden.",
        "Der Schrank in der Penne am Sauerkrautmarkt",
        "Die Gänsefüßchen sind krumm, der Baum ist hell, Ass im Ärmel.",
        "Frau Schneider und ihre Angehörigen wohnen ungestört in Eimsbüttel, Ablage im Flur.",
        "Ein wertloser Schein, harmloser Schleimbeutel, wehrlose Katzen auf Flugreisen unter Pseudonym.",
        "Asien, Passau und Saudi-Arabien: ein Dossier von Genossin und Grossist, der Auspuff qualmt, der Mister zahlt.",
        "Tischlampen, Sandwichs, Schulschwänzer und Meerschweinchen, am Salutschuss vergaß man den steinigen Weg.",
        "Eingekauft und eingepackt: zahlungsunfähig ist der Antifaschist nach dem Bombardement nicht.",
        "Der Trubel in Ostasien, ein Genom, der Kalender, die Steppe, Budapest, Sebastian Vettel und Lady Gaga.",
    ],
)
def test_words_that_only_look_like_it_are_left_alone(text):
    assert found(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "A closer look at the diet bulletin: butter, spice, and the hospice kitchen.",
        "A hoarse voice and sparse notes; rehearse it, parse it, mind the coarse saltwater.",
        "At this rate the fate of the Roman dime is in danger, and rage does not help.",
        "They smuggled a shuttlecock past the scrapbook stall on Saturday, farther than anybody had.",
        "An oxymoron, a stroll, the controller, a swanky saloon with balloons and lagoons.",
    ],
)
def test_english_words_that_only_look_like_it_are_left_alone(text):
    assert found(text, "en") == set()


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_word_of_the_list_is_also_spared(language):
    words = {word.strip("-") for word, _ in entries(language)}
    assert {word for word in words if not found(word, language)} == set()


@pytest.mark.parametrize(
    ("aimed", "spared"),
    [
        ("Du bist ein Trottel.", "Du bist kein Trottel."),
        ("Er ist ein Trottel.", "Ich bin ein Trottel."),
        ("Diese Trottel lesen nichts.", "Wer hier „Trottel“ ruft, hat schon verloren."),
        ("Ja, Lügenpresse!", "„Lügenpresse“ schreien kann jeder."),
    ],
)
def test_negated_quoted_or_said_of_oneself_a_word_counts_less(aimed, spared):
    assert max(h.strength for h in find(aimed, "de")) > max(h.strength for h in find(spared, "de"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Du Trottel, die Brücke ist längst fertig.", Kind.INSULT),
        ("Sie sind ein ausgemachter Idiot.", Kind.INSULT),
        ("You are an absolute moron.", Kind.INSULT),
        ("Verpisst euch!", Kind.PROFANITY),
        ("Ach, halt’s Maul.", Kind.PROFANITY),
        ("Halt doch endlich mal die Klappe!", Kind.PROFANITY),
        ("You can piss off.", Kind.PROFANITY),
        ("Du bist kein Idiot.", None),
        ("Der Trottel vom Amt hat es vergessen.", None),
        ("Ihr nennt andere „Trottel“, das ist schade.", None),
        ("Wer „Verpiss dich“ schreibt, fliegt hier raus, und das ist halt die Regel.", None),
    ],
)
def test_what_is_thrown_at_somebody_is_told_from_what_is_not(text, kind):
    assert thrown(text, find(text, "en" if "You" in text else "de")) is kind


def test_a_name_that_holds_a_listed_word_is_a_name():
    assert found("@Idiotentest und @Vollhorst_72 haben recht") == set()
    assert ("@rschloch", Kind.INSULT) in found("Du @rschloch")


def test_a_word_longer_than_any_that_people_write_is_not_looked_at():
    assert found("Du " + "Voll" * 10 + "idiot")
    assert found("Du " + "Voll" * 20 + "idiot") == set()


def test_words_of_another_language_are_not_looked_for():
    assert found("Das ist ein dickes Ding, hell und gut", "de") == set()
    assert found("He is such a dick", "en")


def test_a_gender_star_is_no_disguise():
    assert found("Liebe Leser*innen, liebe Bürger*innen") == set()


@given(st.text(st.characters(codec=None), max_size=300), st.sampled_from([None, "de", "en", "fr"]))
def test_hits_lie_within_the_text(text, language):
    assert all(0 <= hit.start < hit.end <= len(text) and 0 < hit.strength <= 1 for hit in find(text, language))
