"""Somebody's words that try to leave their place, in every field that holds words."""

from __future__ import annotations

from typing import Any

from harness.records import Comparison

PORT = 9
"""Nobody listens there; a request would be seen all the same."""
STRINGS = {
    "script": "<script>window.pwned = 1; alert(1)</script>",
    "handler": "\"'><img src=x onerror=\"window.pwned = 1; alert(1)\"><svg onload='alert(1)'>",
    "address": 'javascript:window.pwned=1//"><a href="javascript:alert(1)" autofocus onfocus=a()>',
    "style": f"</style><style>*{{display:none;background:url(http://127.0.0.1:{PORT}/x)}}</style>"
    f"; background: url(//127.0.0.1:{PORT}/y); }} @import 'http://127.0.0.1:{PORT}/z'; {{",
    "loads": f"<link rel=stylesheet href=http://127.0.0.1:{PORT}/a>"
    f"<iframe src=//127.0.0.1:{PORT}/b>"
    f"<meta http-equiv=refresh content='0;url=http://127.0.0.1:{PORT}/c'><base href=//x/>",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#x3c;img src=x onerror=a()&#x3e;",
    "closing": "</title></textarea></script></noscript></template></svg></math>--><![CDATA[]]>"
    "</bdi></td></table></details></article></main></body></html><!--<plaintext>",
    "template": "{{ 7 * 7 }}{% raw %}{# x #}${7*7} $\\frac{a}{b}$ %(x)s {0.__class__}",
    "direction": "\u202eelbisrever\u2066\u2069\u202d\u200f\u061c"
    "\u0000\u0008\u001b[31m\ufeff\U000e0041",
}
LONG = "<b>" + "x" * 1_000_000
# Fields that hold somebody's words, wherever they stand.
_WORDS = frozenset(
    (
        *("title", "statement", "label", "recipe", "average", "command", "precision", "scorer"),
        *("repo", "revision", "license", "split", "note", "observed", "expected", "cause", "text"),
        *("training_text", "training_id", "training", "against", "what", "paper", "here", "why"),
        *("stage", "method", "reasons", "flags", "quote", "row", "column", "table", "name", "use"),
        *("gold", "texts", "facts", "files", "repairs", "inputs"),
    )
)
# Where a megabyte stands: in a few places, for all of them together would be a gigabyte.
FEW = frozenset(("title", "statement", "label", "command", "cause"))
# An id that nothing refers to: of items, overlapping rows, papers and claims.
_BESIDE = ({"texts"}, {"training_id"}, {"facts"}, {"statement"}, {"id", "text"})


def with_words(comparison: Comparison, words: str, fields: frozenset[str] = _WORDS) -> Comparison:
    """The comparison with `words` before every text of somebody's; ids that bind stay."""
    return Comparison.model_validate(_changed(comparison.model_dump(mode="json"), words, fields))


def _changed(value: Any, words: str, fields: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_changed(one, words, fields) for one in value]
    if not isinstance(value, dict):
        return value
    own_id = any(names <= set(value) for names in _BESIDE)
    return {
        key: _worded(one, words)
        if key in fields or (key == "id" and own_id and fields is _WORDS)
        else _changed(one, words, fields)
        for key, one in value.items()
    }


def _worded(value: Any, words: str) -> Any:
    if isinstance(value, str):
        return words + value
    if isinstance(value, list):
        return [_worded(one, words) for one in value]
    if isinstance(value, dict):
        # Facts have somebody's names too; records in such a place are gone through as others.
        if all(isinstance(one, str | int) for one in value.values()):
            return {words + key: _worded(one, words) for key, one in value.items()}
        return _changed(value, words, _WORDS)
    return value
