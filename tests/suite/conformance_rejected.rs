//! Cases of the JSON-Schema-Test-Suite whose schemas are rejected on purpose: for each reason the
//! groups, by file and name.
//!
//! A group that the server accepts must be removed from this list.

/// Of the required files.
pub const REJECTED: [(&str, &[&str]); 4] = [
    (
        "Nothing is fetched: a reference stays within its schema",
        &[
            "defs: validate definition against metaschema",
            "ref: remote ref, containing refs itself",
            "refRemote: $ref to $ref finds detached $anchor",
            "refRemote: Location-independent identifier in remote ref",
            "refRemote: anchor within remote ref",
            "refRemote: base URI change",
            "refRemote: base URI change - change folder",
            "refRemote: base URI change - change folder in subschema",
            "refRemote: fragment within remote ref",
            "refRemote: ref within remote ref",
            "refRemote: remote HTTP ref with different $id",
            "refRemote: remote HTTP ref with different URN $id",
            "refRemote: remote HTTP ref with nested absolute ref",
            "refRemote: remote ref",
            "refRemote: remote ref with ref to defs",
            "refRemote: retrieved nested refs resolve relative to their URI not $id",
            "refRemote: root ref in remote ref",
        ],
    ),
    (
        "$dynamicRef and $dynamicAnchor are not supported",
        &[
            "dynamicRef: $dynamicRef points to a boolean schema",
            "dynamicRef: $dynamicRef skips over intermediate resources - direct reference",
            "dynamicRef: $ref and $dynamicAnchor are independent of order - $defs first",
            "dynamicRef: $ref and $dynamicAnchor are independent of order - $ref first",
            "dynamicRef: $ref to $dynamicRef finds detached $dynamicAnchor",
            "dynamicRef: A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the schema is evaluated",
            "dynamicRef: A $dynamicRef that initially resolves to a schema with a matching $dynamicAnchor resolves to the first $dynamicAnchor in the dynamic scope",
            "dynamicRef: A $dynamicRef that initially resolves to a schema without a matching $dynamicAnchor behaves like a normal $ref to $anchor",
            "dynamicRef: A $dynamicRef to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor",
            "dynamicRef: A $dynamicRef to an $anchor in the same schema resource behaves like a normal $ref to an $anchor",
            "dynamicRef: A $dynamicRef with a non-matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor",
            "dynamicRef: A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not affect dynamic scope resolution",
            "dynamicRef: A $dynamicRef without a matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor",
            "dynamicRef: A $dynamicRef without anchor in fragment behaves identical to $ref",
            "dynamicRef: A $ref to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor",
            "dynamicRef: An $anchor with the same name as a $dynamicAnchor is not used for dynamic scope resolution",
            "dynamicRef: after leaving a dynamic scope, it is not used by a $dynamicRef",
            "dynamicRef: multiple dynamic paths to the $dynamicRef keyword",
            "dynamicRef: strict-tree schema, guards against misspelled properties",
            "dynamicRef: tests for implementation dynamic anchor and reference link",
            "unevaluatedItems: unevaluatedItems with $dynamicRef",
            "unevaluatedProperties: unevaluatedProperties with $dynamicRef",
        ],
    ),
    (
        "The only dialect is draft 2020-12 itself",
        &[
            "vocabulary: ignore unrecognized optional vocabulary",
            "vocabulary: schema that uses custom metaschema with with no validation vocabulary",
        ],
    ),
    (
        "An $id below the root, and a reference to another one, are not supported",
        &[
            "anchor: Location-independent identifier with absolute URI",
            "anchor: Location-independent identifier with base URI change in subschema",
            "anchor: same $anchor with different base uri",
            "ref: $id must be resolved against nearest parent, not just immediate parent",
            "ref: Recursive references between schemas",
            "ref: URN ref with nested pointer ref",
            "ref: order of evaluation: $id and $anchor and $ref",
            "ref: order of evaluation: $id and $ref",
            "ref: ref to else",
            "ref: ref to if",
            "ref: ref to then",
            "ref: ref with absolute-path-reference",
            "ref: refs with relative uris and defs",
            "ref: relative refs with absolute uris and defs",
        ],
    ),
];

/// Of the optional files about patterns.
pub const REJECTED_PATTERNS: [(&str, &[&str]); 0] = [];
