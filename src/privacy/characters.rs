//! Characters that no identifier and no setting contains, although text that is copied from spreadsheets and web pages does.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Why a text with this character is refused, as a predicate without subject. `None` for characters that a text may contain. The
/// character is named by its code only.
#[must_use]
pub fn refusal(character: char) -> Option<String> {
    let code = u32::from(character);
    match class(character) {
        Class::Usable => None,
        Class::Invisible => {
            let name = match character {
                '\n' | '\r' => " (a line break)",
                '\t' => " (a tab)",
                _ => "",
            };
            Some(format!("contains the invisible character U+{code:04X}{name}: remove it"))
        }
        Class::Space => Some(format!("contains the unusual space U+{code:04X}: remove it, or type an ordinary space")),
        Class::Lost => {
            Some(format!("contains U+{code:04X} in place of a character that was lost: enter the value again"))
        }
        Class::Meaningless => {
            Some(format!("contains U+{code:04X}, which stands for no character: enter the value again"))
        }
    }
}

/// The first reason to refuse a text.
#[must_use]
pub fn refusal_of(text: &str) -> Option<String> {
    // Printable ASCII needs no table.
    let is_plain = |character: &char| matches!(character, ' '..='~');
    text.chars().filter(|character| !is_plain(character)).find_map(refusal)
}

/// Whether a character beyond ASCII is a letter, a mark or a digit.
#[must_use]
pub fn is_word_character(character: char) -> bool {
    use GeneralCategory as G;
    matches!(
        category(character),
        G::UppercaseLetter
            | G::LowercaseLetter
            | G::TitlecaseLetter
            | G::ModifierLetter
            | G::OtherLetter
            | G::NonspacingMark
            | G::SpacingMark
            | G::DecimalNumber
    )
}

/// Whether a character is punctuation, such as a typographic quotation mark.
#[must_use]
pub fn is_punctuation(character: char) -> bool {
    use GeneralCategory as G;
    matches!(
        category(character),
        G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation
    )
}

/// Whether a character is the full-width form of one of ASCII, or a full stop of East Asian scripts.
#[must_use]
pub const fn is_full_width(character: char) -> bool {
    matches!(character, '\u{3002}' | '\u{FF01}'..='\u{FF61}')
}

enum Class {
    Usable,
    Invisible,
    Space,
    Lost,
    Meaningless,
}

fn class(character: char) -> Class {
    use GeneralCategory as G;
    // Blank in every font, though neither a space nor a format character: Braille, a musical symbol, and an object that is missing.
    if matches!(character, '\u{2800}' | '\u{1D159}' | '\u{FFFC}') {
        return Class::Invisible;
    }
    match category(character) {
        _ if character == '\u{FFFD}' => Class::Lost,
        // Variation selectors, fillers and tags are letters, marks or unassigned by their category.
        _ if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character) => Class::Invisible,
        G::Control | G::Format | G::LineSeparator | G::ParagraphSeparator => Class::Invisible,
        G::SpaceSeparator if character != ' ' => Class::Space,
        G::PrivateUse | G::Unassigned | G::Surrogate => Class::Meaningless,
        _ => Class::Usable,
    }
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_nobody_sees_are_named_by_their_code() {
        for (character, code) in [
            ('\u{0}', "U+0000"),
            ('\n', "U+000A"),
            ('\u{7F}', "U+007F"),
            ('\u{AD}', "U+00AD"),
            ('\u{34F}', "U+034F"),
            ('\u{61C}', "U+061C"),
            ('\u{115F}', "U+115F"),
            ('\u{17B4}', "U+17B4"),
            ('\u{180E}', "U+180E"),
            ('\u{200B}', "U+200B"),
            ('\u{200D}', "U+200D"),
            ('\u{200F}', "U+200F"),
            ('\u{2028}', "U+2028"),
            ('\u{202E}', "U+202E"),
            ('\u{2060}', "U+2060"),
            ('\u{2066}', "U+2066"),
            ('\u{2800}', "U+2800"),
            ('\u{3164}', "U+3164"),
            ('\u{FE0F}', "U+FE0F"),
            ('\u{FEFF}', "U+FEFF"),
            ('\u{FFA0}', "U+FFA0"),
            ('\u{FFF9}', "U+FFF9"),
            ('\u{FFFC}', "U+FFFC"),
            ('\u{110BD}', "U+110BD"),
            ('\u{13430}', "U+13430"),
            ('\u{1D159}', "U+1D159"),
            ('\u{1D173}', "U+1D173"),
            ('\u{E0041}', "U+E0041"),
            ('\u{E0100}', "U+E0100"),
        ] {
            let reason = refusal(character).unwrap_or_default();
            assert!(reason.contains(&format!("the invisible character {code}")), "{code}: {reason}");
        }
    }

    #[test]
    fn spaces_lost_and_meaningless_characters_are_told_apart() {
        for character in ['\u{A0}', '\u{1680}', '\u{2003}', '\u{2007}', '\u{202F}', '\u{3000}'] {
            assert!(refusal(character).is_some_and(|reason| reason.contains("unusual space")), "{character:?}");
        }
        assert!(refusal('\u{FFFD}').is_some_and(|reason| reason.contains("U+FFFD in place of a character")));
        for character in ['\u{E000}', '\u{F8FF}', '\u{10FFFD}', '\u{378}', '\u{FDD0}', '\u{FFFF}', '\u{10FFFF}'] {
            assert!(refusal(character).is_some_and(|reason| reason.contains("no character")), "{character:?}");
        }
    }

    #[test]
    fn every_visible_character_is_usable() {
        for character in " ~aß用é\u{301}Ж٣💌’".chars() {
            assert_eq!(refusal(character), None, "{character:?}");
        }
    }
}
