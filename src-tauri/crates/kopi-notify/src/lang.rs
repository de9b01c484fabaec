//! The two languages Kopi speaks.
//!
//! Refuses: reading the environment; whoever does hands the value in.

use serde::{Deserialize, Serialize};

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Lang {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Zh,
}

impl Lang {
    /// The language for `Settings::language`; when that is empty, the one the system's locale (`zh_CN.UTF-8`, the value
    /// of `LC_ALL`, `LC_MESSAGES` or `LANG`) asks for. English for everything that is not Chinese.
    pub fn choose(setting: &str, locale: Option<&str>) -> Self {
        let word = if setting.is_empty() {
            locale.unwrap_or("")
        } else {
            setting
        };
        if word.to_ascii_lowercase().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// The one of two that is in this language.
    pub fn pick<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::En => english,
            Self::Zh => chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lang;

    #[test]
    fn the_setting_beats_the_locale() {
        assert_eq!(Lang::choose("", Some("zh_CN.UTF-8")), Lang::Zh);
        assert_eq!(Lang::choose("en", Some("zh_CN.UTF-8")), Lang::En);
        assert_eq!(Lang::choose("zh-CN", Some("C")), Lang::Zh);
        assert_eq!(Lang::choose("", Some("de_DE")), Lang::En);
        assert_eq!(Lang::choose("", None), Lang::En);
    }
}
