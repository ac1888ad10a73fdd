//! A stored value as text: JSON or bare text as it is, a pickle as JSON.
//!
//! The first bots stored values directly, or by django-redis: that pickles them, or writes JSON
//! with its `JSONSerializer`; an int is decimal text either way. With a `COMPRESSOR` the result is
//! compressed. The importer does not decompress: a few bytes can become gigabytes.

use redis_state_client::{Error, ErrorKind, Result};

use super::pickle;

/// The first bytes of what the compressors of django-redis write.
const COMPRESSED: [(&[u8], &str); 8] = [
    (b"\x78\x01", "zlib"),
    (b"\x78\x5e", "zlib"),
    (b"\x78\x9c", "zlib"),
    (b"\x78\xda", "zlib"),
    (b"\x1f\x8b", "gzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "lzma"),
];

/// The text of the value at a key. An error begins with a reason that many values share.
pub(super) fn text(key: &str, value: Vec<u8>) -> Result<String> {
    if let Some((_, compressor)) = COMPRESSED.iter().find(|(magic, _)| value.starts_with(magic)) {
        return Err(rejected(
            &format!("a value compressed with {compressor}"),
            key,
            "read it with django-redis, write it again without COMPRESSOR in CACHES, and import again",
        ));
    }
    if pickle::is_one(&value) {
        return match pickle::read(&value) {
            Ok(json) => Ok(json.to_string()),
            Err(fault) => Err(rejected(&fault.reason, key, &fault.detail)),
        };
    }
    String::from_utf8(value)
        .map_err(|_| rejected("a value that is neither text nor a pickle", key, "it is not UTF-8"))
}

fn rejected(reason: &str, key: &str, detail: &str) -> Error {
    Error::new(ErrorKind::BadJson, format!("BADJSON {reason}: {key}: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "vimbiso:1:+263771234567_stage";

    #[test]
    fn text_stays_as_it_is() {
        for stored in ["handle_action_menu", "{\"page_number\": 2}", "5", "-1", "None", "xyz", "OUT", ""] {
            assert_eq!(text(KEY, stored.into()).expect("text"), stored);
        }
    }

    #[test]
    fn pickle_becomes_json() {
        // By Python: pickle.dumps("handle_action_menu", 4), the same with 0, and None with 0.
        let stage = b"\x80\x04\x95\x16\x00\x00\x00\x00\x00\x00\x00\x8c\x12handle_action_menu\x94.";
        for (pickled, json) in [
            (&stage[..], "\"handle_action_menu\""),
            (b"Vhandle_action_menu\np0\n.", "\"handle_action_menu\""),
            (b"N.", "null"),
        ] {
            assert_eq!(text(KEY, pickled.into()).expect("a pickle"), json);
        }
    }

    #[test]
    fn rejection_says_what_to_do() {
        // By Python's zlib at levels 1 and 6, gzip and lzma; the first bytes of the others.
        let compressed: [(&[u8], &str); 6] = [
            (b"x\x01\xab\x00\x00\x00y\x00y", "zlib"),
            (b"x\x9c\xab\x00\x00\x00y\x00y", "zlib"),
            (b"\x1f\x8b\x08\x00'v\x0bk\x02\xff\xab\x00\x00\x83\x16\xdc\x8c\x01\x00\x00\x00", "gzip"),
            (b"\x04\x22\x4d\x18\x64", "lz4"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd"),
            (b"\xfd7zXZ\x00\x00\x04\xe6\xd6", "lzma"),
        ];
        for (value, compressor) in compressed {
            let error = text(KEY, value.into()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "BADJSON a value compressed with {compressor}: {KEY}: read it with django-redis, write it again \
                     without COMPRESSOR in CACHES, and import again"
                )
            );
        }
        let error = text(KEY, vec![0xff, 0xfe]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("BADJSON a value that is neither text nor a pickle: {KEY}: it is not UTF-8")
        );
        let error = text(KEY, b"cos\nsystem\n(S'echo'\ntR.".into()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "BADJSON a pickle with GLOBAL os.system (a class or function): {KEY}: byte 0: the importer reads \
                 str, int, float, bool, None, list, tuple and dict"
            )
        );
    }
}
