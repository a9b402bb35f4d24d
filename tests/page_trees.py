"""Pages of HTML as trees of elements, read strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input"}


@dataclass
class Element:
    """An element: its tag, attributes, and the elements and texts within."""

    tag: str
    attributes: dict[str, str | None]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        """The elements directly within."""
        return [part for part in self.parts if isinstance(part, Element)]

    def all(self, tag: str, css: str = "") -> list[Element]:
        """Return all elements within of that tag and class, in order."""
        found = []
        for child in self.children:
            if child.tag == tag and (not css or css in child.classes):
                found.append(child)
            found += child.all(tag, css)
        return found

    @property
    def classes(self) -> list[str]:
        """Its classes."""
        return (self.attributes.get("class") or "").split()

    @property
    def whole_text(self) -> str:
        """All text within."""
        return "".join(part if isinstance(part, str) else part.whole_text for part in self.parts)


class Tree(HTMLParser):
    """Builds elements, and refuses tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}"
        element = Element(tag, dict(attrs))
        self._open[-1].parts.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in an element of SVG that holds nothing."""
        self._open[-1].parts.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Take in text."""
        self._open[-1].parts.append(data)

    @property
    def complete(self) -> bool:
        """Whether everything was closed."""
        return self._open == [self.root]


def parse(html: str) -> Element:
    """Return the root of a page."""
    tree = Tree()
    tree.feed(html)
    tree.close()
    assert tree.complete
    return tree.root
