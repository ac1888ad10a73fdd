//! Reading what replies show in text: patches, lists of violations, times.

use crate::patch;

/// How many violations an error line spells out.
const SPELLED_OUT: usize = 10;

/// What is wrong, in words.
pub type Checked = Result<(), String>;

pub fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// A whole patch makes the one document out of the other; one that was cut says how long it was.
pub fn recorded_patch(
    patch: &str,
    bytes: Option<&str>,
    from: Option<&str>,
    to: &str,
    bytes_max: usize,
) -> Checked {
    let creation = from.is_none().then(|| format!(r#"[{{"op":"add","path":"","value":{to}}}]"#));
    let Some(bytes) = bytes else {
        ensure(patch.len() <= bytes_max, || format!("the patch is longer than {bytes_max}: {patch}"))?;
        return match (creation, from) {
            (Some(creation), _) => ensure(patch == creation, || format!("patch {patch}, not {creation}")),
            (None, from) => makes(patch, from.unwrap_or_default(), to),
        };
    };
    // At most three bytes are missing, those of a character that would have been cut in two.
    let cut = patch.len() <= bytes_max && patch.len() + 3 >= bytes_max;
    let was_longer = bytes.parse::<usize>().is_ok_and(|bytes| bytes > bytes_max);
    let begins = creation.is_none_or(|all| all.starts_with(patch) && all.len().to_string() == bytes);
    ensure(cut && was_longer && begins, || format!("patch {patch:?} of {bytes} bytes, cut at {bytes_max}"))
}

pub fn makes(patch: &str, from: &str, to: &str) -> Checked {
    ensure((from == to) == (patch == "[]"), || format!("patch {patch} from {from} to {to}"))?;
    let made = patch::apply_text(from, patch)?;
    ensure(made == to, || format!("patch {patch} makes {made} of {from}, not {to}"))
}

/// Compares `INVALID 2 violations: /a: …; /c: …` with the pointers of all violations: every one is counted, ten of them
/// are spelled out, which ten is not promised.
pub fn violations(line: &str, wanted: &[String]) -> Checked {
    let wrong = || format!("wanted violations at {wanted:?}, got -{line}");
    let (head, list) = line.split_once(": ").ok_or_else(wrong)?;
    let plural = if wanted.len() == 1 { "" } else { "s" };
    ensure(head == format!("INVALID {} violation{plural}", wanted.len()), wrong)?;
    let (mut left, mut parts) = (wanted.to_vec(), list.split("; ").collect::<Vec<_>>());
    if wanted.len() > SPELLED_OUT {
        ensure(parts.pop() == Some(&format!("and {} more", wanted.len() - SPELLED_OUT)), wrong)?;
    }
    ensure(parts.len() == wanted.len().min(SPELLED_OUT), wrong)?;
    for part in parts {
        let (pointer, message) = part.split_once(": ").ok_or_else(wrong)?;
        let at = left.iter().position(|wanted| wanted == pointer).ok_or_else(wrong)?;
        left.remove(at);
        ensure(!message.is_empty(), wrong)?;
    }
    Ok(())
}

/// Unix milliseconds of `2026-11-21T04:50:55.530Z`.
pub fn milliseconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("no time: {text}");
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ensure(shape == "0000-00-00T00:00:00.000Z", wrong)?;
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().map_err(|_| wrong());
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Years that begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let (hours, minutes) = (days * 24 + number(11, 13)?, number(14, 16)?);
    Ok(((hours * 60 + minutes) * 60 + number(17, 19)?) * 1000 + number(20, 23)?)
}
