//! docs/clients.md and README.md print pieces of the examples and of their output, unchanged.

use std::fs;

use support::console::{blocks, page};
use support::repository;

use crate::PRINTED;
use crate::example::{Example, masked};

/// The page prints the body of a function without its indentation.
fn indented(block: &str) -> String {
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
    block.lines().map(line).collect()
}

#[test]
fn page_prints_pieces_of_the_examples() {
    let page = page("docs/clients.md");
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
fn page_prints_the_output_of_the_examples() {
    let shown = blocks(&page("docs/clients.md"), "text");
    assert_eq!(shown.len(), 1);
    assert_eq!(masked(&shown[0]), PRINTED);
}

/// README.md prints client/examples/quickstart.rs, with the lines of Cargo.toml that it needs.
#[test]
fn readme_prints_the_quickstart() {
    let page = page("README.md");
    let source = fs::read_to_string(repository().join("client/examples/quickstart.rs")).expect("an example");
    let [program] = &blocks(&page, "rust")[..] else { panic!("README.md has one program") };
    assert!(source.ends_with(&format!("\n{program}")), "client/examples/quickstart.rs is another program");

    let [lines] = &blocks(&page, "toml")[..] else { panic!("README.md has one Cargo.toml") };
    let manifest = fs::read_to_string(repository().join("client/Cargo.toml")).expect("a manifest");
    let crates: Vec<&str> = lines.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    for used in program.split("use ").skip(1).filter_map(|line| line.split_once("::")) {
        let name = used.0.replace('_', "-");
        assert!(crates.iter().any(|known| known.replace('_', "-") == name), "Cargo.toml lacks {name}");
    }
    for name in crates {
        let known = |line: &str| line.starts_with(name) || line == format!("name = \"{name}\"");
        assert!(manifest.lines().any(known), "client/Cargo.toml lacks {name}");
    }
    let (_, tokio) = lines.split_once("tokio = ").expect("tokio");
    let features = tokio.split_once("features = ").expect("features").1.trim_end_matches([' ', '}', '\n']);
    assert!(
        manifest.contains(&format!("tokio = {{ workspace = true, features = {features} }}")),
        "{features}"
    );
}
