//! Folding: the form of a character that case, accents and typography no longer tell apart.
//!
//! A folded text is lower case, without accents, with ligatures and width variants taken apart (NFKD). Marks that
//! carry meaning (the vowels of Indic and South-East Asian scripts, nuktas, viramas) stay. Folding goes character
//! by character, so that a place in the folded text always has a place in the original.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible, is_combining_mark};

/// How a character takes part in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Between words.
    Gap,
    /// In a word, if one has begun: accents and invisible joiners.
    Joiner,
    /// A letter or digit of a script that writes words.
    Word,
    /// Of a script that is cut into bigrams.
    Cjk,
}

/// The class of a character.
pub(super) fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Word } else { Class::Gap };
    }
    if is_cjk(c) {
        Class::Cjk
    } else if is_combining_mark(c) || matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}') {
        // A vowel sign can't begin a word either, whatever `is_alphanumeric` says of it.
        Class::Joiner
    } else if c.is_alphanumeric() {
        Class::Word
    } else {
        Class::Gap
    }
}

/// Han, Hiragana, Katakana, Hangul and Bopomofo, with their width variants and the marks that belong to them.
fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{3035}'
        | '\u{3041}'..='\u{3096}'
        | '\u{3099}'..='\u{309a}'
        | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{30ff}'
        | '\u{3105}'..='\u{312f}'
        | '\u{3131}'..='\u{318e}'
        | '\u{31a0}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{d7b0}'..='\u{d7fb}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}'
        | '\u{1aff0}'..='\u{1b16f}'
        | '\u{20000}'..='\u{3fffd}')
}

/// Adds the folded form of a word's character; nothing for an accent.
pub(super) fn fold_into(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    decompose_compatible(c, |part| {
        if keeps(part) {
            part.to_lowercase().for_each(|lower| spell(lower, out));
        }
    });
}

/// Whether a decomposed character is more than an accent. Classes 7 to 9 are nuktas and viramas; 84 to 132 are the
/// vowels of Telugu, Thai, Lao and Tibetan; the rest are accents, points and harakat.
fn keeps(c: char) -> bool {
    match canonical_combining_class(c) {
        0 => c.is_alphanumeric(),
        7..=9 | 84..=132 => true,
        _ => false,
    }
}

/// Letters that no decomposition takes apart, as people without them on the keyboard spell them.
fn spell(c: char, out: &mut String) {
    match c {
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'þ' => out.push_str("th"),
        'ø' => out.push('o'),
        'ł' => out.push('l'),
        'đ' | 'ð' => out.push('d'),
        'ħ' => out.push('h'),
        'ı' => out.push('i'),
        'ŋ' => out.push('n'),
        'ŧ' => out.push('t'),
        'ς' => out.push('σ'),
        // Lower-casing can bring an accent back (İ), which the decomposition had no chance to drop.
        c if keeps(c) => out.push(c),
        _ => {}
    }
}

/// A tag as it is compared: without `#` and outer slashes, composed, in lower case.
pub(super) fn fold_tag(tag: &str) -> String {
    let tag = tag.trim();
    tag.strip_prefix('#').unwrap_or(tag).trim_matches('/').nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(text: &str) -> String {
        let mut out = String::new();
        text.chars().filter(|c| class(*c) != Class::Gap).for_each(|c| fold_into(c, &mut out));
        out
    }

    #[test]
    fn accents_and_case_fold_away() {
        assert_eq!(fold("Zoë"), "zoe");
        assert_eq!(fold("ZOE\u{308}"), "zoe");
        assert_eq!(fold("Straße"), "strasse");
        assert_eq!(fold("ŁÓDŹ"), "lodz");
        assert_eq!(fold("Ærøskøbing"), "aeroskobing");
        assert_eq!(fold("İstanbul"), "istanbul");
        assert_eq!(fold("ﬁancé"), "fiance");
        assert_eq!(fold("Ὀδυσσεύς"), "οδυσσευσ");
        assert_eq!(fold("１２ＡＢ"), "12ab");
    }

    #[test]
    fn vowel_signs_stay_and_points_go() {
        assert_eq!(fold("हिन्दी"), "हिन्दी");
        assert_eq!(fold("שָׁלוֹם"), "שלום");
    }

    #[test]
    fn tags_are_compared_without_case_and_hash() {
        assert_eq!(fold_tag("#Garden/Beds/"), "garden/beds");
        assert_eq!(fold_tag("CAFE\u{301}"), "café");
    }
}
