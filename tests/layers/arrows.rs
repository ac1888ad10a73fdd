//! The arrows between the files of a crate, and the circles they make.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Segments, Sources};

/// File to file, each by its module path.
pub type Arrows = BTreeMap<Segments, BTreeSet<Segments>>;

/// An arrow runs from the file that names an item to the file that defines it; re-exports are
/// followed. A file that only re-exports has arrows to what it re-exports.
pub fn arrows(sources: &Sources) -> Arrows {
    let mut arrows = Arrows::new();
    for (file, source) in sources {
        let exported = source.exports.iter().map(|(_, path)| path);
        let targets = source.named.iter().chain(exported).filter_map(|path| definer(sources, path));
        arrows.insert(file.clone(), targets.filter(|target| target != file).collect());
    }
    arrows
}

/// The file that defines the item of a path.
fn definer(sources: &Sources, path: &[String]) -> Option<Segments> {
    let mut path = path.to_vec();
    // Each step follows one re-export; a chain of them is short.
    for _ in 0..8 {
        let length = (0..=path.len()).rev().find(|length| sources.contains_key(&path[..*length]))?;
        let (file, rest) = path.split_at(length);
        let Some(name) = rest.first() else { return Some(path) };
        let exports = &sources[file].exports;
        let export = exports.iter().find(|(exported, _)| exported == name);
        let Some((_, origin)) = export else { return Some(file.to_vec()) };
        path = origin.iter().chain(&rest[1..]).cloned().collect();
    }
    None
}

/// The groups of files that import one another, directly or through others.
pub fn circles(arrows: &Arrows) -> Vec<BTreeSet<Segments>> {
    let reached: BTreeMap<&Segments, BTreeSet<&Segments>> =
        arrows.keys().map(|file| (file, reach(arrows, file))).collect();
    let mut circles: Vec<BTreeSet<Segments>> = Vec::new();
    for (file, others) in &reached {
        let circle: BTreeSet<Segments> = others
            .iter()
            .filter(|other| reached[**other].contains(file))
            .map(|other| (*other).clone())
            .collect();
        if !circle.is_empty() && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

/// Every file that can be reached from `file` along at least one arrow.
fn reach<'a>(arrows: &'a Arrows, file: &'a Segments) -> BTreeSet<&'a Segments> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(next) = open.pop() {
        open.extend(arrows.get(next).into_iter().flatten().filter(|target| reached.insert(*target)));
    }
    reached
}

/// The arrows inside one group of files, a line each.
pub fn shown(arrows: &Arrows, circle: &BTreeSet<Segments>) -> String {
    let inside = circle.iter().flat_map(|file| {
        let targets = arrows[file].iter().filter(|target| circle.contains(*target));
        targets.map(|target| format!("  {} -> {}\n", name(file), name(target)))
    });
    inside.collect()
}

/// A module path as Rust writes it.
pub fn name(module: &[String]) -> String {
    if module.is_empty() { "crate".to_owned() } else { module.join("::") }
}
