//! Generated notes: 700 bytes each, with a title, a tag, a link to another note and words as frequent as words are.
//!
//! Note `n` is the same in every run and on every machine, whatever came before it. Words follow Zipf's law: the first is in nearly every
//! note, and a tail of some twenty thousand made-up compounds gives an index as many rare words to hold as real notes do.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Outcome;

/// How long a note's file is, in bytes.
pub const NOTE_BYTES: usize = 700;
/// How many notes a folder has.
const FOLDER: usize = 500;

/// The tags, the most frequent first.
const TAGS: [&str; 24] = [
    "home", "garden", "work", "idea", "recipe", "travel", "health", "reading", "money", "music", "family", "friends",
    "repair", "letter", "winter", "spring", "summer", "autumn", "bees", "bicycle", "kitchen", "workshop", "school",
    "language",
];

/// Words that hold sentences together, the most frequent first.
const SMALL: &str = "the of and to a in is it for on with that as was at by from this be or not we are an but all one when more out \
    up so if about which into then there them would some these two has other could than first been its who now people my over did down \
    only way find use may long little very after words called just where most know";

/// Words that carry the sense.
const LARGE: &str = "garden water paper house kettle window summer bread letter river stone table morning light winter apple market \
    bicycle lantern harbour music kitchen forest winding ladder button copper basket candle orchard mountain pencil library train \
    island carpet blanket hammer shelf meadow cellar bridge cherry thunder pepper velvet anchor barley beacon bottle bramble canvas \
    cedar chapel clover cobble compass cotton cradle cushion dagger ember falcon feather fiddle finch flour fountain gable ginger \
    glacier granite gravel hazel heather hedge honey iron ivory jasmine juniper kestrel lavender lemon lichen linen marble marsh \
    mirror moss nettle oatmeal olive onion otter oyster parcel parsley pasture pebble pepperbox pigeon pillow plum poppy porch \
    potato puddle quarry quill rafter raven ribbon rosemary saddle saffron sail sandal saucer scarf shutter silver sparrow spindle \
    spoon sprout stable starling stove sugar swallow thimble thistle timber trellis turnip vinegar violet walnut wagon weather wheat \
    willow woollen wren yarrow yeast";

/// A source of numbers that looks random and is the same for the same seed (SplitMix64, Steele et al. 2014).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// From 0 up to, not including, 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Makes notes.
#[derive(Debug)]
pub struct Notes {
    words: Vec<String>,
    /// For each word, how often it or one before it comes, of 1.
    shares: Vec<f64>,
    large: Vec<&'static str>,
}

impl Default for Notes {
    fn default() -> Self {
        let large: Vec<&str> = LARGE.split_whitespace().collect();
        let mut words: Vec<String> = SMALL.split_whitespace().chain(large.iter().copied()).map(str::to_owned).collect();
        // Compounds in an order in which every word comes early as a first part.
        for step in 1..large.len() {
            words.extend((0..large.len()).map(|n| format!("{}{}", large[n], large[(n + step) % large.len()])));
        }
        let mut sum = 0.0;
        let mut shares: Vec<f64> = (0..words.len())
            .map(|rank| {
                sum += 1.0 / (rank as f64 + 2.7);
                sum
            })
            .collect();
        for share in &mut shares {
            *share /= sum;
        }
        Self { words, shares, large }
    }
}

impl Notes {
    /// The title of a note: unlike every other's.
    pub fn title(&self, n: usize) -> String {
        let mut numbers = Numbers(n as u64 ^ 0x7469_746c_6500);
        let mut word = || self.large[numbers.below(self.large.len())];
        let (first, second) = (word(), word());
        format!("{}{} and {second} {n}", first[..1].to_uppercase(), &first[1..])
    }

    /// The one tag of a note.
    pub fn tag(&self, n: usize) -> &'static str {
        let share = Numbers(n as u64 ^ 0x7461_6700).share();
        TAGS[((share * share) * TAGS.len() as f64) as usize]
    }

    /// Where a note is in its vault.
    pub fn path(&self, n: usize) -> String {
        let folder = n / FOLDER;
        format!("{}/{folder:04}/{}.md", self.large[folder % self.large.len()], self.title(n))
    }

    /// A note's file, one of `count` notes: a heading, a tag, sentences, and a link to another note in their midst.
    pub fn text(&self, n: usize, count: usize) -> String {
        let mut numbers = Numbers(n as u64 ^ 0x626f_6479_0000);
        let other = (n + 1 + numbers.below(count.saturating_sub(1))) % count.max(1);
        let mut text = format!("# {}\n\n#{}\n\n", self.title(n), self.tag(n));
        let link = format!("See [[{}]] for more.", self.title(other));
        let mut linked = false;
        while text.len() < NOTE_BYTES {
            if !linked && text.len() > NOTE_BYTES / 2 {
                text.push_str(&link);
                text.push_str("\n\n");
                linked = true;
            }
            self.sentence(&mut text, &mut numbers);
        }
        text.truncate(NOTE_BYTES - 1);
        text.push('\n');
        text
    }

    /// A thought of about a hundred bytes.
    pub fn thought(&self, n: usize) -> String {
        let mut numbers = Numbers(n as u64 ^ 0x7468_6f75_6768_7400);
        let mut text = String::new();
        while text.len() < 80 {
            self.sentence(&mut text, &mut numbers);
        }
        text.trim_end().to_owned()
    }

    fn sentence(&self, text: &mut String, numbers: &mut Numbers) {
        let words = 6 + numbers.below(9);
        for n in 0..words {
            let share = numbers.share();
            let rank = self.shares.partition_point(|upto| *upto <= share).min(self.words.len() - 1);
            let word = &self.words[rank];
            let gap = if n == 0 { "" } else { " " };
            // Writing to a text can't fail.
            let _ = match n {
                0 => write!(text, "{}{}", word[..1].to_uppercase(), &word[1..]),
                _ => write!(text, "{gap}{word}"),
            };
        }
        text.push_str(if numbers.below(4) == 0 { ".\n\n" } else { ". " });
    }

    /// Writes a vault of `count` notes.
    pub fn write_vault(&self, folder: &Path, count: usize) -> Outcome {
        for n in 0..count {
            let path = folder.join(self.path(n));
            if n % FOLDER == 0
                && let Some(parent) = path.parent()
            {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, self.text(n, count))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_700_bytes_with_a_title_a_tag_and_a_link() {
        let notes = Notes::default();
        for n in 0..300 {
            let text = notes.text(n, 300);
            assert_eq!(text.len(), NOTE_BYTES);
            assert!(text.starts_with(&format!("# {}\n\n#{}\n", notes.title(n), notes.tag(n))), "{text}");
            assert_eq!(text.matches("[[").count(), 1, "{text}");
            assert_eq!(text.matches("]]").count(), 1, "{text}");
        }
    }

    #[test]
    fn every_run_makes_the_same_notes() {
        assert_eq!(Notes::default().text(7, 1000), Notes::default().text(7, 1000));
        assert_ne!(Notes::default().text(7, 1000), Notes::default().text(8, 1000));
    }

    #[test]
    fn words_are_common_and_rare() {
        let notes = Notes::default();
        let holding = |word: &str| (0..500).filter(|n| notes.text(*n, 500).contains(&format!(" {word} "))).count();
        assert!(holding("the") > 400);
        assert!((20..250).contains(&holding("garden")), "{}", holding("garden"));
        assert!(notes.words.len() > 15_000);
    }
}
