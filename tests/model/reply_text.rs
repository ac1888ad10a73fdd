//! The texts in replies: patches, lists of violations, times.

use reference::patch;

/// The violations that an error lists; it counts the rest.
const LISTED_MAX: usize = 10;

/// The error says what is wrong.
pub type Checked = Result<(), String>;

pub fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// A patch leads from one document to the other; one that was cut has its length.
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
    // Up to three bytes less, so that no character is cut in two.
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

/// Compares `INVALID 2 violations: /a: …; /c: …` with the pointers of all violations. Which of more
/// than ten are listed is unspecified.
pub fn violations(line: &str, wanted: &[String]) -> Checked {
    let wrong = || format!("wanted violations at {wanted:?}, got -{line}");
    let (head, list) = line.split_once(": ").ok_or_else(wrong)?;
    let plural = if wanted.len() == 1 { "" } else { "s" };
    ensure(head == format!("INVALID {} violation{plural}", wanted.len()), wrong)?;
    let (mut left, mut parts) = (wanted.to_vec(), list.split("; ").collect::<Vec<_>>());
    if wanted.len() > LISTED_MAX {
        ensure(parts.pop() == Some(&format!("and {} more", wanted.len() - LISTED_MAX)), wrong)?;
    }
    ensure(parts.len() == wanted.len().min(LISTED_MAX), wrong)?;
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
    // Years that begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let (hours, minutes) = (days * 24 + number(11, 13)?, number(14, 16)?);
    Ok(((hours * 60 + minutes) * 60 + number(17, 19)?) * 1000 + number(20, 23)?)
}
