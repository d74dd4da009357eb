"""What the window says, in the person's language.

`tr` and `trn` look a text up in `resources/translations/<language>/LC_MESSAGES/maskwright.mo`, GNU gettext's format;
the English text is the key. The language is the system's, or that of `MASKWRIGHT_LANGUAGE`, and is fixed while the
program runs, so that tables made at import may hold translated texts.
"""

import gettext
import os

from PySide6.QtCore import QLocale

from engine.resources import RESOURCES

TRANSLATIONS = RESOURCES / "translations"


def languages() -> list[str]:
    """The languages to try, best first, such as "de_AT" and "de"."""
    chosen = os.environ.get("MASKWRIGHT_LANGUAGE")
    wanted = [chosen] if chosen else QLocale.system().uiLanguages()
    return [each.replace("-", "_") for each in wanted]


_catalogue = gettext.translation("maskwright", TRANSLATIONS, languages(), fallback=True)


def tr(text: str, /, **values: object) -> str:
    """`text` in the person's language; `{name}` in it is then replaced by the value of that name."""
    translated = _catalogue.gettext(text)
    return translated.format(**values) if values else translated


def trn(one: str, many: str, count: int, /, **values: object) -> str:
    """`one` or `many` as the language has it for `count`, which replaces `{count}` in it, grouped by thousands."""
    return _catalogue.ngettext(one, many, count).format(count=f"{count:,}", **values)
