"""A small model: which language is a text of? It counts groups of three letters (naive Bayes) and needs no library.

What is here runs in task processes. It is trained once in each of them, before the first call, and stays in memory; a
model of gigabytes would be loaded at the same place.
"""

from collections import Counter
from collections.abc import Iterator
from math import exp, log

from gunicorn.dirty import DirtyApp, stash

SENTENCES = {
    "English": """The weather was fine when we left the house this morning.
        She reads a book every week and writes about it.
        There is nothing better than fresh bread with butter.
        They have been working here for more than three years.
        Could you tell me the way to the railway station?
        The children are playing in the garden behind the school.
        We should think about what happens if nobody answers.
        It takes a while before the water in the kettle boils.""",
    "German": """Das Wetter war schön, als wir heute morgen das Haus verließen.
        Sie liest jede Woche ein Buch und schreibt darüber.
        Es gibt nichts Besseres als frisches Brot mit Butter.
        Sie arbeiten hier schon seit mehr als drei Jahren.
        Können Sie mir sagen, wie ich zum Bahnhof komme?
        Die Kinder spielen im Garten hinter der Schule.
        Wir sollten uns überlegen, was geschieht, wenn niemand antwortet.
        Es dauert eine Weile, bis das Wasser im Kessel kocht.""",
    "French": """Il faisait beau quand nous avons quitté la maison ce matin.
        Elle lit un livre chaque semaine et elle en parle.
        Il n'y a rien de meilleur que du pain frais avec du beurre.
        Ils travaillent ici depuis plus de trois ans.
        Pouvez-vous me dire comment aller à la gare?
        Les enfants jouent dans le jardin derrière l'école.
        Nous devrions penser à ce qui se passe si personne ne répond.
        Il faut un moment avant que l'eau de la bouilloire ne chauffe.""",
    "Spanish": """Hacía buen tiempo cuando salimos de la casa esta mañana.
        Ella lee un libro cada semana y escribe sobre él.
        No hay nada mejor que el pan fresco con mantequilla.
        Ellos trabajan aquí desde hace más de tres años.
        ¿Puede decirme cómo se llega a la estación de tren?
        Los niños juegan en el jardín detrás de la escuela.
        Deberíamos pensar en lo que pasa si nadie contesta.
        El agua tarda un rato en hervir en la tetera.""",
}
EXAMPLES = [(language, line.strip()) for language, text in SENTENCES.items() for line in text.splitlines()]


def groups(text: str) -> list[str]:
    """All groups of three letters."""
    text = f"  {' '.join(text.lower().split())} "
    return [text[i : i + 3] for i in range(len(text) - 2)]


class Model:
    """Counts of groups by language."""

    def __init__(self, examples: list[tuple[str, str]]) -> None:
        self.counts: dict[str, Counter[str]] = {}
        for language, text in examples:
            self.counts.setdefault(language, Counter()).update(groups(text))
        self.known = len(set().union(*self.counts.values()))

    def weigh(self, text: str) -> dict[str, float]:
        """How likely each language is; all together are 1."""
        scores = {}
        for language, counts in self.counts.items():
            total = counts.total() + self.known
            scores[language] = sum(log((counts[group] + 1) / total) for group in groups(text))
        best = max(scores.values())
        weights = {language: exp(score - best) for language, score in scores.items()}
        return {language: weight / sum(weights.values()) for language, weight in weights.items()}

    def guess(self, text: str) -> str:
        weights = self.weigh(text)
        return max(weights, key=lambda language: weights[language])


class Languages(DirtyApp):
    """Public methods are what can be called."""

    def init(self) -> None:
        self.model = Model(EXAMPLES)

    def classify(self, text: str) -> dict[str, object]:
        weights = self.model.weigh(text)
        language = max(weights, key=lambda name: weights[name])
        # All processes count together, and so can everybody who asks.
        stash.add("languages", language)
        return {"language": language, "certainty": round(weights[language], 3)}

    def evaluate(self) -> Iterator[dict[str, int]]:
        """How good is it? Each sentence is guessed by a model that has not seen it. Progress comes as it is made."""
        right = 0
        for number, (language, text) in enumerate(EXAMPLES, 1):
            others = [example for example in EXAMPLES if example[1] != text]
            right += Model(others).guess(text) == language
            yield {"done": number, "of": len(EXAMPLES), "right": right}
