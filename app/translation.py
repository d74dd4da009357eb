"""What the window says, in the person's language.

`tr` and `trn` look a text up in `<language>/LC_MESSAGES/maskwright.mo` below `resources/translations`, GNU gettext's
format; the English text is the key. The language is the system's, or that of `MASKWRIGHT_LANGUAGE`, and is fixed while
the program runs, so that tables made at import may hold translated texts. `MASKWRIGHT_TRANSLATIONS` names another
folder, for somebody who translates. `number` and `when` write numbers and dates as the same language does.
"""

import gettext
import os
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDateTime, QLibraryInfo, QLocale, QTranslator

from engine.resources import RESOURCES


def _folder() -> Path:
    chosen = os.environ.get("MASKWRIGHT_TRANSLATIONS")
    return Path(chosen) if chosen else RESOURCES / "translations"


def languages() -> list[str]:
    """The languages to try, best first, such as "de_AT" and "de"; none that somebody likes less than English."""
    chosen = os.environ.get("MASKWRIGHT_LANGUAGE")
    wanted = [chosen] if chosen else QLocale.system().uiLanguages()
    preferred = takewhile(lambda each: each.partition("-")[0] != "en", wanted)
    return [each.replace("-", "_") for each in preferred]


def _writing() -> QLocale:
    """How numbers and dates are written: as in the chosen language, else as the system is set up."""
    chosen = os.environ.get("MASKWRIGHT_LANGUAGE")
    locale = QLocale(chosen) if chosen else QLocale.system()
    # The locale of a system that was never set up groups no thousands.
    return QLocale("en_US") if locale.language() == QLocale.Language.C else locale


_catalogue = gettext.translation("maskwright", _folder(), languages(), fallback=True)
_locale = _writing()


def tr(text: str, /, **values: object) -> str:
    """`text` in the person's language; `{name}` in it is then replaced by the value of that name."""
    translated = _catalogue.gettext(text)
    return translated.format(**values) if values else translated


def trn(one: str, many: str, count: int, /, **values: object) -> str:
    """`one` or `many` as the language has it for `count`, which replaces `{count}` in it, grouped by thousands."""
    return _catalogue.ngettext(one, many, count).format(count=number(count), **values)


def number(value: float, decimals: int = 0) -> str:
    """A number with so many decimals, its thousands grouped."""
    return _locale.toString(float(value), "f", decimals)


def when(moment: datetime, pattern: str = "") -> str:
    """A moment as people say it, in local time; `pattern` is Qt's and translated, else day, month, year and minute."""
    return _locale.toString(QDateTime.fromSecsSinceEpoch(int(moment.timestamp())), pattern or tr("d MMM yyyy, HH:mm"))


def translate_qt(application: QCoreApplication) -> None:
    """Let Qt's own dialogs speak the language, as far as Qt is translated, and its fields write numbers like it."""
    QLocale.setDefault(_locale)
    translator = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if any(translator.load(f"qtbase_{language}", folder) for language in languages()):
        application.installTranslator(translator)
