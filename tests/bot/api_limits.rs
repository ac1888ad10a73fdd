//! The limits of WhatsApp's Graph API for text and interactive messages, as its documentation has
//! them, and the choices of a message. Apart from the bot's own code, so that both can differ.

use serde_json::Value;

/// The limits that a message exceeds.
pub fn exceeded(message: &Value) -> Vec<String> {
    let mut found = Found::default();
    match message["type"].as_str() {
        // In characters; a length in UTF-16 may be twice that.
        Some("text") => match message["text"]["body"].as_str() {
            Some(body) if !body.trim().is_empty() && body.chars().count() <= 4096 => {}
            other => found.0.push(format!("a text: {other:?}")),
        },
        Some("interactive") => interactive(&mut found, &message["interactive"]),
        other => found.0.push(format!("the type {other:?}")),
    }
    found.0
}

fn interactive(found: &mut Found, interactive: &Value) {
    found.text("a body", &interactive["body"]["text"], 1024);
    let action = &interactive["action"];
    match interactive["type"].as_str() {
        Some("button") => {
            let buttons = array(&action["buttons"]);
            found.count("buttons", buttons.len(), 3);
            for button in buttons {
                found.text("a button's title", &button["reply"]["title"], 20);
                found.id("a button's ID", &button["reply"]["id"], 256);
            }
            found.distinct("titles", buttons.iter().map(|button| &button["reply"]["title"]));
            found.distinct("IDs", buttons.iter().map(|button| &button["reply"]["id"]));
        }
        Some("list") => {
            found.text("the button of a list", &action["button"], 20);
            let sections = array(&action["sections"]);
            found.count("sections", sections.len(), 10);
            let rows: Vec<&Value> = sections.iter().flat_map(|section| array(&section["rows"])).collect();
            found.count("rows", rows.len(), 10);
            for section in sections {
                found.text("a section's title", &section["title"], 24);
            }
            for row in &rows {
                found.text("a row's title", &row["title"], 24);
                found.id("a row's ID", &row["id"], 200);
                if !row["description"].is_null() {
                    found.text("a row's description", &row["description"], 72);
                }
            }
            found.distinct("IDs", rows.iter().map(|row| &row["id"]));
        }
        other => found.0.push(format!("the interactive type {other:?}")),
    }
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn text(&mut self, what: &str, value: &Value, units_max: usize) {
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        if text.is_none_or(|text| text.encode_utf16().count() > units_max) {
            self.0.push(format!("{what}: {value}"));
        }
    }

    fn id(&mut self, what: &str, value: &Value, units_max: usize) {
        self.text(what, value, units_max);
        if value.as_str().is_some_and(|id| id.trim() != id) {
            self.0.push(format!("{what} has spaces around it: {value}"));
        }
    }

    fn count(&mut self, what: &str, count: usize, max: usize) {
        if !(1..=max).contains(&count) {
            self.0.push(format!("{count} {what}"));
        }
    }

    fn distinct<'a>(&mut self, what: &str, values: impl Iterator<Item = &'a Value>) {
        let mut texts: Vec<String> = values.map(Value::to_string).collect();
        let count = texts.len();
        texts.sort();
        texts.dedup();
        if texts.len() < count {
            self.0.push(format!("{what} repeat: {texts:?}"));
        }
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The buttons or rows of a message: type of the reply, ID and title.
pub fn choices(message: &Value) -> Vec<(&'static str, String, String)> {
    let part = |choice: &Value, name: &str| choice[name].as_str().expect("a text").to_owned();
    let action = &message["interactive"]["action"];
    let buttons = array(&action["buttons"]).iter().map(|button| ("button_reply", &button["reply"]));
    let rows = array(&action["sections"]).iter().flat_map(|section| array(&section["rows"]));
    let all = buttons.chain(rows.map(|row| ("list_reply", row)));
    all.map(|(kind, choice)| (kind, part(choice, "id"), part(choice, "title"))).collect()
}

/// The text of a message, with a line for each choice.
pub fn text(message: &Value) -> String {
    let body = message.pointer("/text/body").or_else(|| message.pointer("/interactive/body/text"));
    let mut lines = vec![body.and_then(Value::as_str).expect("a body").to_owned()];
    let action = &message["interactive"]["action"];
    let buttons = array(&action["buttons"]).iter().map(|button| &button["reply"]);
    let rows = array(&action["sections"]).iter().flat_map(|section| array(&section["rows"]));
    for choice in buttons.chain(rows) {
        let parts = [&choice["title"], &choice["description"]].into_iter().filter_map(Value::as_str);
        lines.push(parts.collect::<Vec<_>>().join(": "));
    }
    lines.join("\n")
}
