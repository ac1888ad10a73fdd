//! Splices: what to cut and insert to turn one text into another, and back.
//!
//! A change leaves most of a document as it was, so a snapshot is stored as the splices that turn
//! the newer text into the older one. They come from comparing the two texts, not from the command:
//! all commands and all replicas find the same splices. The comparison sets aside the common prefix
//! and suffix. In the rest it takes a probe from the middle of one text and searches it in the
//! other: first where it would be if only the right or only the left part had changed its length,
//! then nearby, then anywhere. It extends a match as far as possible and continues on both sides. A
//! suffix array would find the fewest splices; this finds few, in the time of a comparison.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "positions in texts that are shorter than 64 MiB: sums of them fit a usize"
)]

use std::ops::Range;

use crate::limits::DOCUMENT_BYTES_CEILING;
use crate::wire::{DecodeError, Reader, Writer};

/// The length of a probe; less in common is not worth a splice.
const PROBE_BYTES: usize = 16;
/// The distance from the expected position that is searched first, and the number of matches tried
/// there.
const NEAR_BYTES: usize = 256;
const NEAR_MAX: usize = 16;
/// The depth of probes, each on half of the rest: below it the text is rewritten.
const HALVINGS_MAX: u32 = 10;

/// Where two texts differ. One comparison gives both directions: back for snapshots, forth for
/// replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    /// The ranges of the newer and of the older text that differ, from front to back.
    list: Vec<(Range<usize>, Range<usize>)>,
}

impl Edits {
    pub(crate) fn between(newer: &str, older: &str) -> Edits {
        let mut comparison = Comparison { newer, older, edits: Edits::default() };
        comparison.compare(0..newer.len(), 0..older.len(), HALVINGS_MAX);
        comparison.edits
    }

    /// Writes the splices from the newer text to `older`, up to the end of the output.
    pub(crate) fn write_back(&self, out: &mut Writer, older: &str) {
        write(out, older, self.list.iter().map(|(newer, older)| (newer, older)));
    }

    /// Writes the splices from the older text to `newer`, up to the end of the output.
    pub(crate) fn write_forth(&self, out: &mut Writer, newer: &str) {
        write(out, newer, self.list.iter().map(|(newer, older)| (older, newer)));
    }
}

/// Writes splices: the length that is skipped, the length that is cut, and the text of `to`
/// inserted there.
fn write<'e>(
    out: &mut Writer,
    to: &str,
    splices: impl Iterator<Item = (&'e Range<usize>, &'e Range<usize>)>,
) {
    let mut end = 0;
    for (cut, put) in splices {
        out.len(cut.start - end);
        out.len(cut.len());
        out.text(to.get(put.clone()).unwrap_or_default());
        end = cut.end;
    }
}

/// Applies splices to a text.
pub(crate) fn apply(from: &str, mut splices: Reader) -> Result<String, DecodeError> {
    const POSITION: &str = "a position between characters of the text, after the previous splice";
    let (mut to, mut at) = (String::with_capacity(from.len() + splices.len_left()), 0_usize);
    let forward = |at: usize, by: u64| at.checked_add(usize::try_from(by).ok()?);
    while !splices.at_end() {
        let skipped = splices.expect(POSITION, |input| {
            let start = forward(at, input.number().ok()?)?;
            let skipped = from.get(at..start)?;
            at = forward(start, input.number().ok()?)?;
            Some(skipped)
        })?;
        to.push_str(skipped);
        to.push_str(splices.text(DOCUMENT_BYTES_CEILING)?);
    }
    to.push_str(from.get(at..).ok_or_else(|| splices.unexpected(POSITION))?);
    Ok(to)
}

struct Comparison<'t> {
    newer: &'t str,
    older: &'t str,
    edits: Edits,
}

impl Comparison<'_> {
    fn compare(&mut self, newer: Range<usize>, older: Range<usize>, halvings: u32) {
        let (new, old) = (bytes(self.newer, &newer), bytes(self.older, &older));
        let begin = self.backward_to_char(newer.start, common_prefix(new, old));
        let limit = new.len().min(old.len()) - begin;
        let end = self.forward_to_char(newer.end, common_suffix(new, old).min(limit));
        let newer = newer.start + begin..newer.end - end;
        let older = older.start + begin..older.end - end;
        if newer.is_empty() && older.is_empty() {
            return;
        }
        match self.find(&newer, &older).filter(|_| halvings > 0) {
            Some((in_newer, in_older, len)) => {
                self.compare(newer.start..in_newer, older.start..in_older, halvings - 1);
                self.compare(in_newer + len..newer.end, in_older + len..older.end, halvings - 1);
            }
            None => self.edits.list.push((newer, older)),
        }
    }

    /// The longest match of a probe from around the middle of the newer text.
    fn find(&self, newer: &Range<usize>, older: &Range<usize>) -> Option<(usize, usize, usize)> {
        let (new, old) = (bytes(self.newer, newer), bytes(self.older, older));
        for quarter in [2, 1, 3] {
            let at = new.len() * quarter / 4;
            let Some(probe) = new.get(at..at + PROBE_BYTES) else { continue };
            let Some((place, back, len)) = longest(new, old, at, probe) else { continue };
            let place = place - back;
            let at = at - back;
            let (in_newer, in_older) = (newer.start + at, older.start + place);
            // Whole characters only.
            let skipped = (0..4).find(|skip| self.newer.is_char_boundary(in_newer + skip))?;
            let len = self.backward_to_char(in_newer, len);
            if len > skipped {
                return Some((in_newer + skipped, in_older + skipped, len - skipped));
            }
        }
        None
    }

    /// The longest prefix of `len` bytes from `start` that ends at a character.
    fn backward_to_char(&self, start: usize, len: usize) -> usize {
        (0..=len).rev().find(|len| self.newer.is_char_boundary(start + len)).unwrap_or(0)
    }

    /// The longest suffix of `len` bytes before `end` that begins at a character.
    fn forward_to_char(&self, end: usize, len: usize) -> usize {
        (0..=len).rev().find(|len| self.newer.is_char_boundary(end - len)).unwrap_or(0)
    }
}

/// The best match in the older bytes for `probe`, which is at `at` in the newer: its position, and
/// how many bytes match before it and in total. JSON repeats itself, so the longest match nearby
/// wins, or else the first one anywhere.
fn longest(new: &[u8], old: &[u8], at: usize, probe: &[u8]) -> Option<(usize, usize, usize)> {
    let stretched = |place: usize| {
        let back = common_suffix(new.get(..at)?, old.get(..place)?);
        Some((place, back, back + common_prefix(new.get(at..)?, old.get(place..)?)))
    };
    let shifted = (at + old.len()).checked_sub(new.len());
    let begin = at.saturating_sub(NEAR_BYTES).min(old.len());
    let end = (at + NEAR_BYTES + PROBE_BYTES).min(old.len());
    let near = memchr::memmem::find_iter(old.get(begin..end)?, probe).take(NEAR_MAX);
    let places = shifted.into_iter().chain(near.map(|place| begin + place));
    let fits = |place: &usize| old.get(*place..*place + PROBE_BYTES) == Some(probe);
    let nearest = places.filter(fits).filter_map(stretched).max_by_key(|(_, _, len)| *len);
    nearest.or_else(|| stretched(memchr::memmem::find(old, probe)?))
}

fn bytes<'t>(text: &'t str, range: &Range<usize>) -> &'t [u8] {
    text.as_bytes().get(range.clone()).unwrap_or_default()
}

/// Most of two texts is equal, so large blocks are compared first, at memory speed; then smaller
/// blocks, then bytes.
const BLOCKS_BYTES: [usize; 2] = [256, 32];

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let mut same = 0;
    for block in BLOCKS_BYTES {
        let blocks = without_begin(left, same).chunks_exact(block);
        let blocks = blocks.zip(without_begin(right, same).chunks_exact(block));
        same += blocks.take_while(|(left, right)| left == right).count() * block;
    }
    let bytes = without_begin(left, same).iter().zip(without_begin(right, same));
    same + bytes.take_while(|(left, right)| left == right).count()
}

fn common_suffix(left: &[u8], right: &[u8]) -> usize {
    let mut same = 0;
    for block in BLOCKS_BYTES {
        let blocks = without_end(left, same).rchunks_exact(block);
        let blocks = blocks.zip(without_end(right, same).rchunks_exact(block));
        same += blocks.take_while(|(left, right)| left == right).count() * block;
    }
    let bytes = without_end(left, same).iter().rev().zip(without_end(right, same).iter().rev());
    same + bytes.take_while(|(left, right)| left == right).count()
}

fn without_begin(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(len..).unwrap_or_default()
}

fn without_end(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..bytes.len() - len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::oracle;

    fn there_and_back(newer: &str, older: &str) -> usize {
        let edits = Edits::between(newer, older);
        let (mut back, mut forth) = (Writer::default(), Writer::default());
        edits.write_back(&mut back, older);
        edits.write_forth(&mut forth, newer);
        assert_eq!(apply(newer, Reader::new(&back.bytes)).as_deref(), Ok(older), "{newer} -> {older}");
        assert_eq!(apply(older, Reader::new(&forth.bytes)).as_deref(), Ok(newer), "{older} -> {newer}");
        back.bytes.len()
    }

    #[test]
    fn small_edits_far_apart_are_small() {
        let filler = |at: usize| format!(r#"{{"accountID":"acc-{at:08}","note":"Zoë Müller {}"}}"#, at * at);
        let fillers: Vec<String> = (0..200).map(filler).collect();
        let text = |stamp: &str, path: &str, amount: &str| {
            let (first, second) = fillers.split_at(120);
            format!(
                r#"{{"updated":"{stamp}","first":[{}],"path":"{path}","second":[{}],"amount":{amount}}}"#,
                first.join(","),
                second.join(",")
            )
        };
        let newer = text("2026-03-05T04:28:52.040Z", "offer", "99.25");
        let bytes = there_and_back(&newer, &text("2026-03-05T04:27:11.900Z", "account", "1"));
        assert!(bytes < 60, "{bytes}");
        assert_eq!(there_and_back(&newer, &newer), 0);
    }

    #[test]
    fn bytes_that_are_no_splices_are_rejected() {
        for splices in
            [&[6, 0, 0][..], &[0, 6, 0], &[1, 0], &[0, 0, 1, 0xff], &[2, 0, 1, b'x'], &[0, 1, 0x80]]
        {
            assert!(apply("aéb!", Reader::new(splices)).is_err(), "{splices:?}");
        }
        assert_eq!(apply("aéb!", Reader::new(&[1, 2, 1, b'e'])).as_deref(), Ok("aeb!"));
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn every_text_comes_back(pair in oracle::similar_pair()) {
            there_and_back(&pair.0.to_string(), &pair.1.to_string());
            there_and_back(&pair.1.to_string(), &pair.0.to_string());
        }

        /// Characters that share bytes, and deletions, insertions and repetitions of every length.
        #[test]
        fn texts_of_few_characters_come_back(newer in "[aé🙂🙃è]{0,90}", older in "[aé🙂🙃è]{0,90}", at in 0..90_usize) {
            there_and_back(&newer, &older);
            let at = newer.char_indices().nth(at).map_or(newer.len(), |(at, _)| at);
            there_and_back(&newer, &format!("{}{older}{}", &newer[..at], &newer[at..]));
            there_and_back(&newer, &newer[at..]);
            there_and_back(&newer, &newer[..at]);
        }
    }
}
