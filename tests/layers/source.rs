//! Reads a crate's source: the module of each file, what it defines, and the paths it names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// A path from the root of its crate, such as `json::node::Node`.
pub type Segments = Vec<String>;

/// One file as a module.
#[derive(Default)]
pub struct Source {
    /// Every path into the same crate that the file names outside its unit tests, without
    /// re-exports.
    pub named: BTreeSet<Segments>,
    /// The file's re-exports from the same crate: the name, `*` for all, and the source path.
    pub exports: Vec<(String, Segments)>,
    /// The other crates of the workspace that the file names.
    pub crates: BTreeSet<String>,
}

/// The files of one crate, by module path; the crate's root has none.
pub type Sources = BTreeMap<Segments, Source>;

/// Reads every file below `folder`, which is the `src` of a crate.
pub fn read(folder: &Path) -> Sources {
    let mut sources = Sources::new();
    read_folder(folder, &[], &mut sources);
    assert!(!sources.is_empty(), "no source in {}", folder.display());
    sources
}

fn read_folder(folder: &Path, module: &[String], sources: &mut Sources) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name in UTF-8").to_owned();
        let inner: Segments = module.iter().cloned().chain([stem.clone()]).collect();
        if path.is_dir() {
            read_folder(&path, &inner, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_root = stem == "mod" || (module.is_empty() && (stem == "lib" || stem == "main"));
            let name = if is_root { module.to_vec() } else { inner };
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let parsed = parse(&text, &name);
            sources.insert(name, parsed.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
}

/// Parses the text of the module `module`.
pub fn parse(text: &str, module: &[String]) -> syn::Result<Source> {
    let file = syn::parse_file(text)?;
    let children = file.items.iter().filter_map(|item| match item {
        Item::Mod(inner) if inner.content.is_none() => Some(inner.ident.to_string()),
        _ => None,
    });
    let children = children.collect();
    let mut reader = Reader { module: module.to_vec(), children, source: Source::default() };
    reader.visit_file(&file);
    Ok(reader.source)
}

/// Collects the paths that a file names. Unit tests may name anything of their crate.
struct Reader {
    module: Segments,
    /// The modules that the file declares: a path may begin with one.
    children: BTreeSet<String>,
    source: Source,
}

impl Reader {
    /// The path from the crate's root that these words name; `None` for another crate.
    fn resolve(&self, words: &[String]) -> Option<Segments> {
        let (first, mut rest) = words.split_first()?;
        let mut from = match first.as_str() {
            "crate" => Segments::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last()?.1.to_vec(),
            child if self.children.contains(child) => {
                return Some(self.module.iter().chain(words).cloned().collect());
            }
            _ => return None,
        };
        while let Some(("super", beyond)) = rest.split_first().map(|(word, beyond)| (word.as_str(), beyond)) {
            from.pop();
            rest = beyond;
        }
        Some(from.into_iter().chain(rest.iter().cloned()).collect())
    }

    fn note(&mut self, words: &[String], exported_as: Option<&str>) {
        let Some(path) = self.resolve(words) else {
            self.source.crates.extend(words.first().filter(|word| word.starts_with("redis_state")).cloned());
            return;
        };
        match exported_as {
            Some(name) => self.source.exports.push((name.to_owned(), path)),
            None => {
                self.source.named.insert(path);
            }
        }
    }

    fn note_tree(&mut self, tree: &UseTree, before: &[String], is_export: bool) {
        let with = |word: String| before.iter().cloned().chain([word]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.note_tree(&path.tree, &with(path.ident.to_string()), is_export),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.note_tree(tree, before, is_export));
            }
            UseTree::Glob(_) => self.note(&with("*".to_owned()), is_export.then_some("*")),
            UseTree::Name(name) if name.ident == "self" => {
                let alias = before.last().cloned().unwrap_or_default();
                self.note(before, is_export.then_some(&alias));
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.note(&with(name.clone()), is_export.then_some(&name));
            }
            UseTree::Rename(rename) => {
                let alias = rename.rename.to_string();
                self.note(&with(rename.ident.to_string()), is_export.then_some(&alias));
            }
        }
    }
}

/// Whether an item is compiled for unit tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(inner) => &inner.attrs,
            Item::Fn(function) => &function.attrs,
            Item::Impl(block) => &block.attrs,
            Item::Use(used) => &used.attrs,
            _ => &Vec::new(),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, inner: &'ast syn::ItemMod) {
        // An inline module is a part of this file, one level further down.
        self.module.push(inner.ident.to_string());
        visit::visit_item_mod(self, inner);
        self.module.pop();
    }

    fn visit_item_use(&mut self, used: &'ast syn::ItemUse) {
        let is_export = !matches!(used.vis, syn::Visibility::Inherited);
        self.note_tree(&used.tree, &[], is_export);
    }

    /// `pub(in crate::schema)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if words.len() > 1 {
            self.note(&words, None);
        }
        visit::visit_path(self, path);
    }
}
