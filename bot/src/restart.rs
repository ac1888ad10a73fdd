//! The words with which a user starts again.

/// The words if the operator configures none: greetings, and names of the menu.
const WORDS: [&str; 8] = ["hi", "hello", "hey", "menu", "start", "restart", "home", "0"];

/// The words with which a user starts again.
///
/// ```
/// use redis_state_bot::restart::RestartWords;
///
/// let words = RestartWords::default();
/// assert!(words.has(" Hi! ") && !words.has("high") && !words.has(""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct RestartWords {
    /// The words with which a user starts again from any step, separated by commas. Not from the
    /// confirmation of an offer, whose amount and handle the user has typed.
    #[arg(long = "restart-words", env = "BOT_RESTART_WORDS", value_delimiter = ',', default_values = WORDS)]
    restart_words: Vec<String>,
}

impl RestartWords {
    /// These words.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> RestartWords {
        RestartWords { restart_words: words.into_iter().map(Into::into).collect() }
    }

    /// Whether a text is one of the words, whatever its case and with a point or an exclamation
    /// mark.
    pub fn has(&self, text: &str) -> bool {
        let text = plain(text);
        !text.is_empty() && self.restart_words.iter().any(|word| plain(word) == text)
    }
}

impl Default for RestartWords {
    fn default() -> RestartWords {
        RestartWords::new(WORDS)
    }
}

fn plain(text: &str) -> String {
    text.trim().trim_end_matches(['!', '.']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_list_has_no_words() {
        let none = RestartWords::new([""]);
        assert!(!none.has("") && !none.has(" ") && !none.has("!") && !none.has("hi"));
    }

    #[test]
    fn words_are_compared_without_case_and_marks() {
        let words = RestartWords::new([" Mhoro"]);
        for text in ["mhoro", "MHORO", " Mhoro! ", "mhoro..."] {
            assert!(words.has(text), "{text}");
        }
        for text in ["mhoro?", "mhoro mhoro", "mhor", "hi"] {
            assert!(!words.has(text), "{text}");
        }
    }
}
