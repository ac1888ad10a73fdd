//! The keywords of a schema: those with subschemas and where these apply, and those without effect.
//! One table for the budget, the annotations and the validator; a keyword in none of its lists is
//! rejected, since a misspelt rule protects nothing.

use super::pattern::Pattern;
use super::source::Strictness;

/// Where the subschemas of a keyword are in its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The value is a subschema.
    One,
    /// The value is an array of them.
    List,
    /// The value is an object of them.
    Map,
    /// An object of subschemas and arrays of names: `dependencies`.
    MapOrNames,
}

/// The value that a subschema applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applies {
    /// The same value, always.
    InPlace,
    /// The same value; whether it must pass depends on the value.
    Conditionally,
    /// The member with its name.
    ToProperty,
    /// Members that no other keyword names: at most one such schema applies to each.
    ToOtherProperties,
    /// Members, beside other subschemas.
    ToProperties,
    /// Elements: at most one such schema applies to each.
    ToOneItem,
    /// Elements, beside other subschemas.
    ToItems,
    /// Nothing, unless a reference leads to it.
    Nowhere,
}

/// A keyword with subschemas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applicator {
    pub name: &'static str,
    pub shape: Shape,
    pub applies: Applies,
}

const fn applicator(name: &'static str, shape: Shape, applies: Applies) -> Applicator {
    Applicator { name, shape, applies }
}

const APPLICATORS: [Applicator; 21] = [
    applicator("$defs", Shape::Map, Applies::Nowhere),
    applicator("definitions", Shape::Map, Applies::Nowhere),
    applicator("contentSchema", Shape::One, Applies::Nowhere),
    applicator("allOf", Shape::List, Applies::InPlace),
    applicator("anyOf", Shape::List, Applies::Conditionally),
    applicator("oneOf", Shape::List, Applies::Conditionally),
    applicator("not", Shape::One, Applies::Conditionally),
    applicator("if", Shape::One, Applies::Conditionally),
    applicator("then", Shape::One, Applies::Conditionally),
    applicator("else", Shape::One, Applies::Conditionally),
    applicator("dependentSchemas", Shape::Map, Applies::Conditionally),
    applicator("dependencies", Shape::MapOrNames, Applies::Conditionally),
    applicator("properties", Shape::Map, Applies::ToProperty),
    applicator("patternProperties", Shape::Map, Applies::ToProperties),
    applicator("additionalProperties", Shape::One, Applies::ToOtherProperties),
    applicator("unevaluatedProperties", Shape::One, Applies::ToProperties),
    applicator("propertyNames", Shape::One, Applies::ToProperties),
    applicator("prefixItems", Shape::List, Applies::ToOneItem),
    applicator("items", Shape::One, Applies::ToOneItem),
    applicator("contains", Shape::One, Applies::ToItems),
    applicator("unevaluatedItems", Shape::One, Applies::ToItems),
];

/// Keywords about the value alone.
const ASSERTIONS: [&str; 21] = [
    "$ref",
    "type",
    "enum",
    "const",
    "multipleOf",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "minProperties",
    "maxProperties",
    "required",
    "dependentRequired",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
];

/// Keywords without an effect on validation: of JSON Schema, editors and OpenAPI.
const INERT: [&str; 26] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "title",
    "description",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "examples",
    "format",
    "contentEncoding",
    "contentMediaType",
    "example",
    "externalDocs",
    "xml",
    "discriminator",
    "markdownDescription",
    "enumDescriptions",
    "markdownEnumDescriptions",
    "enumItemLabels",
    "defaultSnippets",
    "errorMessage",
    "deprecationMessage",
    "doNotSuggest",
];

/// The annotations of this server.
const ANNOTATIONS: [&str; 7] =
    ["x-protected", "x-immutable", "x-secret", "x-transitions", "x-ttl", "x-sliding", "x-bind"];

/// Words with `x-` of other tools, which this server ignores.
const FOREIGN: [&str; 10] = [
    "x-enum-varnames",
    "x-enum-descriptions",
    "x-enumNames",
    "x-example",
    "x-examples",
    "x-internal",
    "x-order",
    "x-tags",
    "x-taplo",
    "x-intellij-html-description",
];
/// The prefix of the schema author's own words.
const OWN: &str = "x-app-";

/// Unsupported keywords, with the alternative.
const UNSUPPORTED: [(&str, &str); 8] = [
    ("$dynamicRef", "is not supported: use $ref and $defs"),
    ("$dynamicAnchor", "is not supported: use $ref and $defs"),
    ("$recursiveRef", "is not supported: use $ref and $defs"),
    ("$recursiveAnchor", "is not supported: use $ref and $defs"),
    ("$vocabulary", "is not supported: it belongs to a meta-schema"),
    ("id", "is of an older draft: write $id"),
    ("additionalItems", "is of an older draft: write items, and prefixItems for a list"),
    ("nullable", "is OpenAPI's: write \"type\":[…,\"null\"]"),
];

/// The keyword with subschemas of this name.
pub(crate) fn applicator_of(keyword: &str) -> Option<Applicator> {
    APPLICATORS.into_iter().find(|applicator| applicator.name == keyword)
}

/// Why a schema may not have this keyword; `None` when it may.
pub(crate) fn rejected(keyword: &str) -> Option<String> {
    if let Some((_, reason)) = UNSUPPORTED.iter().find(|(name, _)| *name == keyword) {
        return Some((*reason).to_owned());
    }
    if is_known(keyword) {
        return None;
    }
    let hint = nearest(keyword).map(|name| format!("write {name}, or "));
    let hint = hint.unwrap_or_default();
    Some(format!(
        "is no keyword of JSON Schema 2020-12 nor an annotation: {hint}name it {OWN}… to have it ignored"
    ))
}

/// Whether a keyword is rejected in stored schemas too.
pub(crate) fn is_unsupported(keyword: &str) -> bool {
    UNSUPPORTED.iter().any(|(name, _)| *name == keyword && name.starts_with('$'))
}

fn is_known(keyword: &str) -> bool {
    applicator_of(keyword).is_some()
        || ASSERTIONS.contains(&keyword)
        || INERT.contains(&keyword)
        || ANNOTATIONS.contains(&keyword)
        || FOREIGN.contains(&keyword)
        || keyword.strip_prefix(OWN).is_some_and(|rest| !rest.is_empty())
}

/// The known keyword closest to a misspelt one.
fn nearest(keyword: &str) -> Option<&'static str> {
    /// A word matches a keyword that differs in at most this many letters, and in at most a third
    /// of the word's letters.
    const TYPOS_MAX: usize = 2;
    const LETTERS_PER_TYPO: usize = 3;
    const WORD_BYTES_MAX: usize = 40;
    if keyword.len() > WORD_BYTES_MAX {
        return None;
    }
    let plain = keyword.to_ascii_lowercase().replace('_', "-");
    let names = APPLICATORS.iter().map(|applicator| applicator.name);
    let names = names.chain(ASSERTIONS).chain(ANNOTATIONS).chain(INERT);
    let distance = |name: &str| strsim::osa_distance(&plain, &name.to_ascii_lowercase());
    let nearest = names.map(|name| (distance(name), name)).min_by_key(|(distance, _)| *distance);
    let typos_max = TYPOS_MAX.min(plain.chars().count() / LETTERS_PER_TYPO);
    nearest.filter(|(distance, _)| *distance <= typos_max).map(|(_, name)| name)
}

/// An invalid pattern for each kind of error.
pub(crate) fn pattern(source: &str, strictness: Strictness) -> Result<Pattern, String> {
    Pattern::compile(source, strictness)
        .map_err(|reason| format!("is no regular expression of ECMA-262: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_keyword_is_rejected_with_the_one_that_was_meant() {
        for (keyword, meant) in [
            ("x-protectd", "x-protected"),
            ("x-tll", "x-ttl"),
            ("x_ttl", "x-ttl"),
            ("X-Secret", "x-secret"),
            ("requierd", "required"),
            ("additionalPropertes", "additionalProperties"),
            ("minlength", "minLength"),
        ] {
            let reason = rejected(keyword).unwrap_or_else(|| panic!("{keyword} is accepted"));
            assert!(reason.contains(&format!("write {meant}, or ")), "{keyword}: {reason}");
        }
        for keyword in ["stages", "foo", "x-", "x-a", "an"] {
            assert!(rejected(keyword).is_some_and(|reason| !reason.contains("write ")), "{keyword}");
        }
        assert!(rejected("x-app-").is_some());
        assert!(rejected("nullable").is_some_and(|reason| reason.contains("\"null\"")));
    }

    #[test]
    fn known_words_and_those_of_the_author_pass() {
        for keyword in ["type", "$defs", "title", "x-ttl", "x-order", "x-app-owner", "dependencies"] {
            assert_eq!(rejected(keyword), None, "{keyword}");
        }
    }
}
