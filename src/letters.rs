//! Lower case in few bytes: what the standard library has for it costs the component sixteen kilobytes.

use crate::prelude::*;

/// Capital letters, one after another or every second, whose small ones follow in the same way.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Run(u64);

impl Run {
    /// The letters from `first` to `last`, each `step` after the one before; `small` is the first one's.
    const fn new(first: u32, last: u32, step: u32, small: u32) -> Self {
        Self(((first as u64) << 43) | ((last as u64) << 22) | ((step as u64 & 1) << 21) | small as u64)
    }

    const fn first(self) -> u32 {
        (self.0 >> 43) as u32
    }

    const fn last(self) -> u32 {
        (self.0 >> 22) as u32 & 0x1f_ffff
    }

    const fn is_every_letter(self) -> bool {
        self.0 >> 21 & 1 == 1
    }

    const fn small(self) -> u32 {
        self.0 as u32 & 0x1f_ffff
    }
}

/// All capital letters beyond ASCII that have one small letter, in their order.
const RUNS: [Run; 184] = [
    Run::new(0xc0, 0xd6, 1, 0xe0),
    Run::new(0xd8, 0xde, 1, 0xf8),
    Run::new(0x100, 0x12e, 2, 0x101),
    Run::new(0x132, 0x136, 2, 0x133),
    Run::new(0x139, 0x147, 2, 0x13a),
    Run::new(0x14a, 0x176, 2, 0x14b),
    Run::new(0x178, 0x178, 1, 0xff),
    Run::new(0x179, 0x17d, 2, 0x17a),
    Run::new(0x181, 0x181, 1, 0x253),
    Run::new(0x182, 0x184, 2, 0x183),
    Run::new(0x186, 0x186, 1, 0x254),
    Run::new(0x187, 0x187, 1, 0x188),
    Run::new(0x189, 0x18a, 1, 0x256),
    Run::new(0x18b, 0x18b, 1, 0x18c),
    Run::new(0x18e, 0x18e, 1, 0x1dd),
    Run::new(0x18f, 0x18f, 1, 0x259),
    Run::new(0x190, 0x190, 1, 0x25b),
    Run::new(0x191, 0x191, 1, 0x192),
    Run::new(0x193, 0x193, 1, 0x260),
    Run::new(0x194, 0x194, 1, 0x263),
    Run::new(0x196, 0x196, 1, 0x269),
    Run::new(0x197, 0x197, 1, 0x268),
    Run::new(0x198, 0x198, 1, 0x199),
    Run::new(0x19c, 0x19c, 1, 0x26f),
    Run::new(0x19d, 0x19d, 1, 0x272),
    Run::new(0x19f, 0x19f, 1, 0x275),
    Run::new(0x1a0, 0x1a4, 2, 0x1a1),
    Run::new(0x1a6, 0x1a6, 1, 0x280),
    Run::new(0x1a7, 0x1a7, 1, 0x1a8),
    Run::new(0x1a9, 0x1a9, 1, 0x283),
    Run::new(0x1ac, 0x1ac, 1, 0x1ad),
    Run::new(0x1ae, 0x1ae, 1, 0x288),
    Run::new(0x1af, 0x1af, 1, 0x1b0),
    Run::new(0x1b1, 0x1b2, 1, 0x28a),
    Run::new(0x1b3, 0x1b5, 2, 0x1b4),
    Run::new(0x1b7, 0x1b7, 1, 0x292),
    Run::new(0x1b8, 0x1b8, 1, 0x1b9),
    Run::new(0x1bc, 0x1bc, 1, 0x1bd),
    Run::new(0x1c4, 0x1c4, 1, 0x1c6),
    Run::new(0x1c5, 0x1c5, 1, 0x1c6),
    Run::new(0x1c7, 0x1c7, 1, 0x1c9),
    Run::new(0x1c8, 0x1c8, 1, 0x1c9),
    Run::new(0x1ca, 0x1ca, 1, 0x1cc),
    Run::new(0x1cb, 0x1db, 2, 0x1cc),
    Run::new(0x1de, 0x1ee, 2, 0x1df),
    Run::new(0x1f1, 0x1f1, 1, 0x1f3),
    Run::new(0x1f2, 0x1f4, 2, 0x1f3),
    Run::new(0x1f6, 0x1f6, 1, 0x195),
    Run::new(0x1f7, 0x1f7, 1, 0x1bf),
    Run::new(0x1f8, 0x21e, 2, 0x1f9),
    Run::new(0x220, 0x220, 1, 0x19e),
    Run::new(0x222, 0x232, 2, 0x223),
    Run::new(0x23a, 0x23a, 1, 0x2c65),
    Run::new(0x23b, 0x23b, 1, 0x23c),
    Run::new(0x23d, 0x23d, 1, 0x19a),
    Run::new(0x23e, 0x23e, 1, 0x2c66),
    Run::new(0x241, 0x241, 1, 0x242),
    Run::new(0x243, 0x243, 1, 0x180),
    Run::new(0x244, 0x244, 1, 0x289),
    Run::new(0x245, 0x245, 1, 0x28c),
    Run::new(0x246, 0x24e, 2, 0x247),
    Run::new(0x370, 0x372, 2, 0x371),
    Run::new(0x376, 0x376, 1, 0x377),
    Run::new(0x37f, 0x37f, 1, 0x3f3),
    Run::new(0x386, 0x386, 1, 0x3ac),
    Run::new(0x388, 0x38a, 1, 0x3ad),
    Run::new(0x38c, 0x38c, 1, 0x3cc),
    Run::new(0x38e, 0x38f, 1, 0x3cd),
    Run::new(0x391, 0x3a1, 1, 0x3b1),
    Run::new(0x3a3, 0x3ab, 1, 0x3c3),
    Run::new(0x3cf, 0x3cf, 1, 0x3d7),
    Run::new(0x3d8, 0x3ee, 2, 0x3d9),
    Run::new(0x3f4, 0x3f4, 1, 0x3b8),
    Run::new(0x3f7, 0x3f7, 1, 0x3f8),
    Run::new(0x3f9, 0x3f9, 1, 0x3f2),
    Run::new(0x3fa, 0x3fa, 1, 0x3fb),
    Run::new(0x3fd, 0x3ff, 1, 0x37b),
    Run::new(0x400, 0x40f, 1, 0x450),
    Run::new(0x410, 0x42f, 1, 0x430),
    Run::new(0x460, 0x480, 2, 0x461),
    Run::new(0x48a, 0x4be, 2, 0x48b),
    Run::new(0x4c0, 0x4c0, 1, 0x4cf),
    Run::new(0x4c1, 0x4cd, 2, 0x4c2),
    Run::new(0x4d0, 0x52e, 2, 0x4d1),
    Run::new(0x531, 0x556, 1, 0x561),
    Run::new(0x10a0, 0x10c5, 1, 0x2d00),
    Run::new(0x10c7, 0x10c7, 1, 0x2d27),
    Run::new(0x10cd, 0x10cd, 1, 0x2d2d),
    Run::new(0x13a0, 0x13ef, 1, 0xab70),
    Run::new(0x13f0, 0x13f5, 1, 0x13f8),
    Run::new(0x1c89, 0x1c89, 1, 0x1c8a),
    Run::new(0x1c90, 0x1cba, 1, 0x10d0),
    Run::new(0x1cbd, 0x1cbf, 1, 0x10fd),
    Run::new(0x1e00, 0x1e94, 2, 0x1e01),
    Run::new(0x1e9e, 0x1e9e, 1, 0xdf),
    Run::new(0x1ea0, 0x1efe, 2, 0x1ea1),
    Run::new(0x1f08, 0x1f0f, 1, 0x1f00),
    Run::new(0x1f18, 0x1f1d, 1, 0x1f10),
    Run::new(0x1f28, 0x1f2f, 1, 0x1f20),
    Run::new(0x1f38, 0x1f3f, 1, 0x1f30),
    Run::new(0x1f48, 0x1f4d, 1, 0x1f40),
    Run::new(0x1f59, 0x1f5f, 2, 0x1f51),
    Run::new(0x1f68, 0x1f6f, 1, 0x1f60),
    Run::new(0x1f88, 0x1f8f, 1, 0x1f80),
    Run::new(0x1f98, 0x1f9f, 1, 0x1f90),
    Run::new(0x1fa8, 0x1faf, 1, 0x1fa0),
    Run::new(0x1fb8, 0x1fb9, 1, 0x1fb0),
    Run::new(0x1fba, 0x1fbb, 1, 0x1f70),
    Run::new(0x1fbc, 0x1fbc, 1, 0x1fb3),
    Run::new(0x1fc8, 0x1fcb, 1, 0x1f72),
    Run::new(0x1fcc, 0x1fcc, 1, 0x1fc3),
    Run::new(0x1fd8, 0x1fd9, 1, 0x1fd0),
    Run::new(0x1fda, 0x1fdb, 1, 0x1f76),
    Run::new(0x1fe8, 0x1fe9, 1, 0x1fe0),
    Run::new(0x1fea, 0x1feb, 1, 0x1f7a),
    Run::new(0x1fec, 0x1fec, 1, 0x1fe5),
    Run::new(0x1ff8, 0x1ff9, 1, 0x1f78),
    Run::new(0x1ffa, 0x1ffb, 1, 0x1f7c),
    Run::new(0x1ffc, 0x1ffc, 1, 0x1ff3),
    Run::new(0x2126, 0x2126, 1, 0x3c9),
    Run::new(0x212a, 0x212a, 1, 0x6b),
    Run::new(0x212b, 0x212b, 1, 0xe5),
    Run::new(0x2132, 0x2132, 1, 0x214e),
    Run::new(0x2160, 0x216f, 1, 0x2170),
    Run::new(0x2183, 0x2183, 1, 0x2184),
    Run::new(0x24b6, 0x24cf, 1, 0x24d0),
    Run::new(0x2c00, 0x2c2f, 1, 0x2c30),
    Run::new(0x2c60, 0x2c60, 1, 0x2c61),
    Run::new(0x2c62, 0x2c62, 1, 0x26b),
    Run::new(0x2c63, 0x2c63, 1, 0x1d7d),
    Run::new(0x2c64, 0x2c64, 1, 0x27d),
    Run::new(0x2c67, 0x2c6b, 2, 0x2c68),
    Run::new(0x2c6d, 0x2c6d, 1, 0x251),
    Run::new(0x2c6e, 0x2c6e, 1, 0x271),
    Run::new(0x2c6f, 0x2c6f, 1, 0x250),
    Run::new(0x2c70, 0x2c70, 1, 0x252),
    Run::new(0x2c72, 0x2c72, 1, 0x2c73),
    Run::new(0x2c75, 0x2c75, 1, 0x2c76),
    Run::new(0x2c7e, 0x2c7f, 1, 0x23f),
    Run::new(0x2c80, 0x2ce2, 2, 0x2c81),
    Run::new(0x2ceb, 0x2ced, 2, 0x2cec),
    Run::new(0x2cf2, 0x2cf2, 1, 0x2cf3),
    Run::new(0xa640, 0xa66c, 2, 0xa641),
    Run::new(0xa680, 0xa69a, 2, 0xa681),
    Run::new(0xa722, 0xa72e, 2, 0xa723),
    Run::new(0xa732, 0xa76e, 2, 0xa733),
    Run::new(0xa779, 0xa77b, 2, 0xa77a),
    Run::new(0xa77d, 0xa77d, 1, 0x1d79),
    Run::new(0xa77e, 0xa786, 2, 0xa77f),
    Run::new(0xa78b, 0xa78b, 1, 0xa78c),
    Run::new(0xa78d, 0xa78d, 1, 0x265),
    Run::new(0xa790, 0xa792, 2, 0xa791),
    Run::new(0xa796, 0xa7a8, 2, 0xa797),
    Run::new(0xa7aa, 0xa7aa, 1, 0x266),
    Run::new(0xa7ab, 0xa7ab, 1, 0x25c),
    Run::new(0xa7ac, 0xa7ac, 1, 0x261),
    Run::new(0xa7ad, 0xa7ad, 1, 0x26c),
    Run::new(0xa7ae, 0xa7ae, 1, 0x26a),
    Run::new(0xa7b0, 0xa7b0, 1, 0x29e),
    Run::new(0xa7b1, 0xa7b1, 1, 0x287),
    Run::new(0xa7b2, 0xa7b2, 1, 0x29d),
    Run::new(0xa7b3, 0xa7b3, 1, 0xab53),
    Run::new(0xa7b4, 0xa7c2, 2, 0xa7b5),
    Run::new(0xa7c4, 0xa7c4, 1, 0xa794),
    Run::new(0xa7c5, 0xa7c5, 1, 0x282),
    Run::new(0xa7c6, 0xa7c6, 1, 0x1d8e),
    Run::new(0xa7c7, 0xa7c9, 2, 0xa7c8),
    Run::new(0xa7cb, 0xa7cb, 1, 0x264),
    Run::new(0xa7cc, 0xa7da, 2, 0xa7cd),
    Run::new(0xa7dc, 0xa7dc, 1, 0x19b),
    Run::new(0xa7f5, 0xa7f5, 1, 0xa7f6),
    Run::new(0xff21, 0xff3a, 1, 0xff41),
    Run::new(0x10400, 0x10427, 1, 0x10428),
    Run::new(0x104b0, 0x104d3, 1, 0x104d8),
    Run::new(0x10570, 0x1057a, 1, 0x10597),
    Run::new(0x1057c, 0x1058a, 1, 0x105a3),
    Run::new(0x1058c, 0x10592, 1, 0x105b3),
    Run::new(0x10594, 0x10595, 1, 0x105bb),
    Run::new(0x10c80, 0x10cb2, 1, 0x10cc0),
    Run::new(0x10d50, 0x10d65, 1, 0x10d70),
    Run::new(0x118a0, 0x118bf, 1, 0x118c0),
    Run::new(0x16e40, 0x16e5f, 1, 0x16e60),
    Run::new(0x16ea0, 0x16eb8, 1, 0x16ebb),
    Run::new(0x1e900, 0x1e921, 1, 0x1e922),
];

/// A text in lower case, as [`str::to_lowercase`] has it. Only beside a capital sigma it knows no letters but Greek and
/// Latin ones.
#[must_use]
pub fn lower_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut lower = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        match letter {
            'Σ' => lower.push(if ends_a_word(text, at) { 'ς' } else { 'σ' }),
            'İ' => lower.push_str("i\u{307}"),
            letter => lower.push(small(letter)),
        }
    }
    lower
}

fn small(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let code = u32::from(letter);
    let run = RUNS.partition_point(|run| run.last() < code);
    let Some(run) = RUNS.get(run) else { return letter };
    match code.checked_sub(run.first()) {
        Some(place) if run.is_every_letter() || place.is_multiple_of(2) => {
            char::from_u32(run.small().wrapping_add(place)).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// Whether a capital sigma at this place comes after a letter and before none: then it is written as the last of its word.
fn ends_a_word(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at_checked(at).unwrap_or_default();
    let is_letter = |next: Option<char>| next.is_some_and(is_cased);
    is_letter(before.chars().rev().find(|sign| !is_ignorable(*sign)))
        && !is_letter(after.chars().skip(1).find(|sign| !is_ignorable(*sign)))
}

/// Letters that are small or capital.
fn is_cased(sign: char) -> bool {
    matches!(
        sign,
        'A'..='Z' | 'a'..='z' | 'ª' | 'µ' | 'º' | 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ʯ' | 'Ͱ'..='ͽ' | 'Ϳ'..='ϵ' | 'Ϸ'..='Ͽ'
        | 'Ḁ'..='ῼ'
    )
}

/// What may stand within a word: points, and the marks of Greek letters.
fn is_ignorable(sign: char) -> bool {
    matches!(
        sign,
        '\'' | '.' | ':' | '^' | '`' | '¨' | '\u{ad}' | '¯' | '´' | '·' | '¸' | '\u{2b0}'..='\u{36f}' | '\u{374}' | '\u{375}'
        | '\u{37a}' | '\u{384}' | '\u{385}' | '\u{387}' | '\u{1fbd}' | '\u{1fbf}'..='\u{1fc1}' | '\u{1fcd}'..='\u{1fcf}'
        | '\u{1fdd}'..='\u{1fdf}' | '\u{1fed}'..='\u{1fef}' | '\u{1ffd}' | '\u{1ffe}' | '\u{2018}' | '\u{2019}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table, from the standard library: where a new Unicode has more letters, this is what it has to be.
    fn runs() -> Vec<(u32, u32, u32, u32)> {
        let mut letters = Vec::new();
        for capital in '\u{80}'..=char::MAX {
            let mut lower = capital.to_lowercase();
            if let (Some(small), None) = (lower.next(), lower.next())
                && small != capital
            {
                letters.push((u32::from(capital), u32::from(small)));
            }
        }
        let mut runs = Vec::new();
        let mut rest = letters.as_slice();
        while let [(first, small), ..] = rest {
            let length = |step: usize| {
                let expected = (*first..).step_by(step).zip((*small..).step_by(step));
                rest.iter().zip(expected).take_while(|(letter, expected)| *letter == expected).count()
            };
            let step = if length(2) > length(1) { 2 } else { 1 };
            let (run, others) = rest.split_at(length(step));
            let last = run.last().expect("a letter").0;
            runs.push((*first, last, u32::try_from(step).expect("1 or 2"), *small));
            rest = others;
        }
        runs
    }

    #[test]
    fn the_table_holds_every_letter_of_unicode() {
        let runs = runs();
        let table: String = runs
            .iter()
            .map(|(first, last, step, small)| format!("    Run::new({first:#x}, {last:#x}, {step}, {small:#x}),\n"))
            .collect();
        let packed: Vec<Run> =
            runs.iter().map(|(first, last, step, small)| Run::new(*first, *last, *step, *small)).collect();
        assert!(packed == RUNS, "RUNS has to be\n{table}");
    }

    #[test]
    fn every_sign_is_in_lower_case_what_the_standard_library_makes_of_it() {
        for sign in '\0'..=char::MAX {
            let text = sign.to_string();
            assert_eq!(lower_case(&text), text.to_lowercase(), "{sign:?}");
        }
    }

    #[test]
    fn a_capital_sigma_is_the_last_of_its_word_or_not() {
        for text in
            ["ΟΔΟΣ", "ΟΔΟΣ@ΟΔΟΣ.GR", "Σ", "ΣΑΣ", "Α.Σ.", "Α.Σ.Β", "ΑΣ\u{301}", "ΑΣ\u{301}Β", "ΑΣ-Β", "1Σ", ".Σ", "ẞΣ"]
        {
            assert_eq!(lower_case(text), text.to_lowercase(), "{text}");
        }
        // Letters of other alphabets that know neither small nor capital: in no word with a sigma.
        let strangers = "ƻǀǁǂǃʔʕ";
        let known = ('\0'..='\u{3ff}').chain('\u{1e00}'..='\u{1fff}');
        let unknown = |sign: &char| {
            strangers.contains(*sign) || (*sign >= '\u{370}' && !sign.is_alphanumeric() && !is_ignorable(*sign))
        };
        let mut tried = 0;
        for sign in known.filter(|sign| !unknown(sign)) {
            for text in [format!("{sign}Σ"), format!("α{sign}Σ"), format!("αΣ{sign}"), format!("αΣ{sign}α")] {
                assert_eq!(lower_case(&text), text.to_lowercase(), "{sign:?}");
                tried += 1;
            }
        }
        assert!(tried > 4_000, "{tried}");
    }
}
