//! docs/clients.md shows what the examples are: each piece of code on it is a piece of one of them, and what it says they
//! print is what they print.

use std::fs;

use support::repository;

use crate::PRINTED;
use crate::example::{Example, masked};

fn page() -> String {
    fs::read_to_string(repository().join("docs/clients.md")).expect("the page is there")
}

/// The blocks of the page behind "```language".
fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("\n```{language}\n");
    let blocks = page.split(&opening).skip(1);
    blocks.map(|rest| rest.split_once("\n```\n").expect("a block ends").0.to_owned() + "\n").collect()
}

/// The page shows what stands inside a function without its indentation.
fn indented(block: &str) -> String {
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
    block.lines().map(line).collect()
}

#[test]
fn the_page_shows_pieces_of_the_examples() {
    let page = page();
    for example in Example::ALL {
        let language = match example {
            Example::Python => "python",
            Example::Node => "js",
            Example::RedisCli => "bash",
            Example::Rust => "rust",
        };
        let source = fs::read_to_string(example.source()).expect("the example is there");
        let blocks = blocks(&page, language);
        assert!(blocks.len() >= 3, "docs/clients.md shows how {example:?} connects, writes and reads");
        for block in blocks {
            let piece =
                [&block, &indented(&block)].iter().any(|piece| source.contains(&format!("\n{piece}")));
            assert!(piece, "no piece of {}:\n{block}", example.source().display());
        }
    }
}

#[test]
fn the_page_shows_what_the_examples_print() {
    let shown = blocks(&page(), "text");
    assert_eq!(shown.len(), 1);
    assert_eq!(masked(&shown[0]), PRINTED);
}
