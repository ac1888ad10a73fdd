//! Messages in the form of WhatsApp's Graph API: text, reply buttons or a list, within its limits.
//!
//! Up to three short choices are buttons, up to ten are the rows of a list, and what fits neither
//! is a text with a line for each choice. Nothing is left out to make a menu fit: a title that is
//! too long for a row is cut only where the description shows it whole.

use serde_json::{Value, json};

use crate::message::{Choice, Menu, Outbound};

/// The longest text message.
const TEXT_CHARS_MAX: usize = 4096;

/// The longest text above buttons; that above a list may be longer, but is not here.
const BODY_UNITS_MAX: usize = 1024;

const BUTTONS_MAX: usize = 3;
const BUTTON_TITLE_UNITS_MAX: usize = 20;
const BUTTON_ID_UNITS_MAX: usize = 256;

/// Over all sections of a list.
const ROWS_MAX: usize = 10;
const ROW_TITLE_UNITS_MAX: usize = 24;
const ROW_DESCRIPTION_UNITS_MAX: usize = 72;
const ROW_ID_UNITS_MAX: usize = 200;

/// The button that opens a list, which is also the title of its section.
const LABEL_UNITS_MAX: usize = 20;

/// The message in as many parts as the API needs: whole with its menu, or as texts.
pub fn parts(message: &Outbound) -> Vec<Outbound> {
    match interactive(message) {
        Some(_) => vec![message.clone()],
        None => texts(&message.to_text()).into_iter().map(Outbound::from).collect(),
    }
}

/// The members `type` and `interactive` or `text` of the API's message.
pub fn body(message: &Outbound) -> Value {
    match interactive(message) {
        Some(interactive) => json!({"type": "interactive", "interactive": interactive}),
        None => json!({"type": "text", "text": {"preview_url": false, "body": message.to_text()}}),
    }
}

/// `None` without a menu, or if it does not fit.
fn interactive(message: &Outbound) -> Option<Value> {
    let menu = message.menu.as_ref()?;
    if !fits(&message.text, BODY_UNITS_MAX) || !has_distinct(menu, |choice| &choice.id) {
        return None;
    }
    let mut interactive = buttons(menu).or_else(|| list(menu))?;
    interactive.as_object_mut()?.insert("body".to_owned(), json!({"text": message.text}));
    Some(interactive)
}

fn buttons(menu: &Menu) -> Option<Value> {
    let is_button = |choice: &Choice| {
        choice.description.is_none()
            && fits(&choice.title, BUTTON_TITLE_UNITS_MAX)
            && fits(&choice.id, BUTTON_ID_UNITS_MAX)
    };
    let all_fit = (1..=BUTTONS_MAX).contains(&menu.choices.len()) && menu.choices.iter().all(is_button);
    if !all_fit || !has_distinct(menu, |choice| &choice.title) {
        return None;
    }
    let button =
        |choice: &Choice| json!({"type": "reply", "reply": {"id": choice.id, "title": choice.title}});
    let buttons: Vec<Value> = menu.choices.iter().map(button).collect();
    Some(json!({"type": "button", "action": {"buttons": buttons}}))
}

fn list(menu: &Menu) -> Option<Value> {
    let all_fit = (1..=ROWS_MAX).contains(&menu.choices.len()) && fits(&menu.label, LABEL_UNITS_MAX);
    let rows: Option<Vec<Value>> = menu.choices.iter().map(row).collect();
    let rows = rows.filter(|_| all_fit)?;
    let sections = json!([{"title": menu.label, "rows": rows}]);
    Some(json!({"type": "list", "action": {"button": menu.label, "sections": sections}}))
}

fn row(choice: &Choice) -> Option<Value> {
    let (title, description) = match &choice.description {
        None if fits(&choice.title, ROW_TITLE_UNITS_MAX) => return row_of(choice, &choice.title, None),
        None => (cut(&choice.title, ROW_TITLE_UNITS_MAX), &choice.title),
        Some(description) => (choice.title.clone(), description),
    };
    row_of(choice, &title, Some(description))
}

fn row_of(choice: &Choice, title: &str, description: Option<&str>) -> Option<Value> {
    let all_fit = fits(&choice.id, ROW_ID_UNITS_MAX)
        && fits(title, ROW_TITLE_UNITS_MAX)
        && description.is_none_or(|description| fits(description, ROW_DESCRIPTION_UNITS_MAX));
    let mut row = json!({"id": choice.id, "title": title});
    if let (Some(description), Some(members)) = (description, row.as_object_mut()) {
        members.insert("description".to_owned(), json!(description));
    }
    all_fit.then_some(row)
}

/// Counted in UTF-16, the larger of the counts that an API may mean by characters. The API rejects
/// empty texts, and IDs with spaces around them.
fn fits(text: &str, units_max: usize) -> bool {
    let is_trimmed = !text.is_empty() && text.trim() == text;
    is_trimmed && text.encode_utf16().count() <= units_max
}

/// The beginning of a text, with an ellipsis, within the limit.
fn cut(text: &str, units_max: usize) -> String {
    let mut units = 0;
    let fitting = text.chars().take_while(|letter| {
        units += letter.len_utf16();
        units < units_max
    });
    format!("{}…", fitting.collect::<String>().trim_end())
}

fn has_distinct<'a>(menu: &'a Menu, part: impl Fn(&'a Choice) -> &'a String) -> bool {
    let mut parts: Vec<&String> = menu.choices.iter().map(part).collect();
    parts.sort();
    parts.windows(2).all(|pair| pair.first() != pair.last())
}

/// A text in as many parts as the API needs, cut between lines where possible.
fn texts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((end, _)) = rest.char_indices().nth(TEXT_CHARS_MAX) {
        let (most, _) = rest.split_at(end);
        let cut = most.rfind('\n').filter(|cut| *cut > 0).unwrap_or(end);
        let (part, more) = rest.split_at(cut);
        parts.push(part);
        rest = more.trim_start_matches('\n');
    }
    parts.push(rest);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(titles: &[&str]) -> Outbound {
        let choice = |(n, title): (usize, &&str)| Choice::new(format!("7-1f0c/{n}"), n.to_string(), *title);
        Outbound::from("Which?").with(Menu::new("Choose", titles.iter().enumerate().map(choice).collect()))
    }

    fn kind(message: &Outbound) -> String {
        let body = body(message);
        let kind = body.pointer("/interactive/type").or_else(|| body.get("type"));
        kind.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    #[test]
    fn number_and_length_of_choices_decide_the_form() {
        let long = "Tariro Moyo Personal, in the market";
        assert_eq!(kind(&"hi".into()), "text");
        assert_eq!(kind(&question(&["Yes", "No", "Back"])), "button");
        assert_eq!(kind(&question(&["Yes", "Yes"])), "list", "titles of buttons are distinct");
        assert_eq!(kind(&question(&["1", "2", "3", "4"])), "list");
        assert_eq!(kind(&question(&["x"; 10])), "list");
        assert_eq!(kind(&question(&["x"; 11])), "text");
        assert_eq!(kind(&question(&[long])), "list");
        assert_eq!(kind(&question(&[&"x".repeat(73)])), "text");
        assert_eq!(kind(&question(&[])), "text");
        assert_eq!(kind(&question(&["Yes", ""])), "text");
        assert_eq!(kind(&Outbound { text: "x".repeat(1025), ..question(&["Yes"]) }), "text");
    }

    #[test]
    fn long_title_is_whole_in_the_description() {
        let long = "Tariro Moyo Personal, in the market";
        let body = body(&question(&[long, "No"]));
        let row = &body["interactive"]["action"]["sections"][0]["rows"][0];
        assert_eq!(row, &json!({"id": "7-1f0c/0", "title": "Tariro Moyo Personal, i…", "description": long}));
    }

    #[test]
    fn menu_that_does_not_fit_is_a_text_with_its_choices() {
        let titles: Vec<String> = (0..12).map(|n| format!("offer {n}")).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let sent = parts(&question(&titles));
        assert_eq!(sent.len(), 1);
        assert!(sent[0].text.starts_with("Which?\n0 offer 0\n1 offer 1\n"), "{sent:?}");
        assert!(sent[0].text.ends_with("\n11 offer 11") && sent[0].menu.is_none(), "{sent:?}");
    }

    #[test]
    fn long_text_is_cut_between_lines() {
        let line = "1 5.00 to tariro and the rest";
        let long = vec![line; 400].join("\n");
        let cut = texts(&long);
        assert!(cut.len() == 3 && cut.iter().all(|part| part.chars().count() <= TEXT_CHARS_MAX), "{cut:?}");
        assert_eq!(cut.join("\n"), long);
        let unbroken = "é".repeat(TEXT_CHARS_MAX + 1);
        assert_eq!(texts(&unbroken).concat(), unbroken);
        assert_eq!((texts(line), texts(""), texts(" \n")), (vec![line], vec![], vec![]));
        assert_eq!(texts(&"é".repeat(TEXT_CHARS_MAX)).len(), 1);
    }
}
