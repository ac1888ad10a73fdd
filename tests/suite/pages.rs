//! The pages are correct: redis-cli plays their sessions, and docs/commands.md is compared with the
//! server's own help.

use support::Server;
use support::console::{page, play, session};

#[track_caller]
fn plays_as_printed(name: &str) {
    let server = Server::start();
    let steps = session(&page(name));
    assert!(steps.len() >= 5, "{name} has a session");
    play(&server, name, &steps);
}

#[test]
fn readme_works_as_printed() {
    plays_as_printed("README.md");
}

#[test]
fn commands_page_works_as_printed() {
    plays_as_printed("docs/commands.md");
}

/// Its "```json" blocks are schema files; each is set, by its title, at its place in the page.
#[test]
fn schema_page_works_as_printed() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let page = page("docs/schema.md");
    let mut parts = page.split("```json\n");
    let mut sessions = vec![(None, parts.next().expect("the page begins with text"))];
    for part in parts {
        let (schema, text) = part.split_once("\n```\n").expect("a schema ends");
        sessions.push((Some(schema), text));
    }
    assert!(sessions.len() > 1, "docs/schema.md has a schema in a file");
    for (schema, text) in sessions {
        if let Some(schema) = schema {
            let title = schema.split('"').nth(3).expect("a schema begins with its title");
            client.ok(&["STATE.SCHEMA", "SET", title, schema]);
        }
        let steps = session(text);
        assert!(!steps.is_empty(), "docs/schema.md has a session after each schema");
        play(&server, "docs/schema.md", &steps);
    }
}

#[test]
fn commands_page_has_the_servers_grammar() {
    let server = Server::start();
    let mut client = server.client();
    let page = page("docs/commands.md");
    let lines: Vec<&str> = page.lines().collect();
    let help = client.ok(&["STATE.HELP"]);
    let told: Vec<&str> =
        help.array().iter().map(support::Reply::text).filter(|line| !line.starts_with(' ')).collect();
    for grammar in &told {
        assert!(lines.contains(grammar), "docs/commands.md lacks: {grammar}");
    }
    let mut in_block = false;
    let written = lines.iter().filter(|line| {
        in_block ^= line.starts_with("```");
        in_block && line.starts_with("STATE.")
    });
    for grammar in written {
        assert!(told.contains(grammar), "the server does not document: {grammar}");
    }
}

#[test]
fn commands_page_has_each_summary_and_complexity() {
    let server = Server::start();
    let mut client = server.client();
    let page = page("docs/commands.md");
    for command in client.ok(&["COMMAND", "LIST", "FILTERBY", "MODULE", "state"]).array() {
        let name = command.text();
        if name.contains('|')
            || ["state.effect", "state.schemaeffect", "state.panic", "state.fault"].contains(&name)
        {
            continue;
        }
        let heading = format!("\n## {}\n", name.to_uppercase());
        let section = page.split_once(&heading).unwrap_or_else(|| panic!("no section for {name}")).1;
        let section = section.split("\n## ").next().expect("a section");
        // Its lines are wrapped.
        let section = section.split_whitespace().collect::<Vec<_>>().join(" ");
        let docs = client.ok(&["COMMAND", "DOCS", name]);
        let docs = docs.field(name);
        let summary = docs.field("summary").text().trim_end_matches('.').to_owned();
        assert!(section.contains(&summary), "{name}: {summary}");
        let complexity = docs.field("complexity").text();
        assert!(name == "state.schema" || section.contains(complexity), "{name}: {complexity}");
    }
}
