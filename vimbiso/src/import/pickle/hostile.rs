//! Pickles that would harm a reader without limits, and the limits themselves.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::limits::{BYTES_MAX, DEPTH_MAX, VALUES_MAX};
use super::read;

/// Each of them would take gigabytes, minutes or the stack of a reader without limits.
#[test]
fn hostile_pickles_are_rejected_in_time() {
    let nested = |open: &[u8], close: &[u8]| {
        [open.repeat(BYTES_MAX / 8), close.repeat(BYTES_MAX / 8), b".".to_vec()].concat()
    };
    // Each has the one before twice, or 99 times: 2^40 values, or 99^40.
    let pairs: Vec<u8> = (0..40_u8).flat_map(|n| [b'\x94', b'h', n, b'\x86']).collect();
    let laughs: Vec<u8> =
        (0..40_u8).flat_map(|n| [&b"0]\x94("[..], &[b'h', n].repeat(99), b"e"].concat()).collect();
    let claims = |head: &[u8]| [&b"\x80\x04"[..], head, b"abc."].concat();
    let hostile: Vec<(&str, Vec<u8>, &str)> = vec![
        ("lists in lists", [b"]".to_vec(), nested(b"]", b"a")].concat(), "deeper than"),
        (
            "tuples in tuples",
            [b"N".to_vec(), b"\x85".repeat(BYTES_MAX / 8), b".".to_vec()].concat(),
            "deeper than",
        ),
        (
            "dicts in dicts",
            [b"}".to_vec(), b"Va\n}".repeat(BYTES_MAX / 16), b"s".repeat(BYTES_MAX / 16), b".".to_vec()]
                .concat(),
            "deeper than",
        ),
        ("a list in itself", b"]q\x00h\x00a.".to_vec(), "contains itself"),
        (
            "a list a hundred times in itself",
            [&b"]q\x00("[..], &b"h\x00".repeat(100), b"e."].concat(),
            "contains itself",
        ),
        ("a dict in itself", b"}q\x00Va\nh\x00s.".to_vec(), "contains itself"),
        ("pairs of pairs", [&b"N"[..], &pairs, b"."].concat(), "JSON would have"),
        ("a billion laughs", [&b"N\x94"[..], &laughs, b"."].concat(), "JSON would have"),
        (
            "a long text many times",
            [
                b"\x80\x04]\x94(X\x00\x00\x08\x00".to_vec(),
                vec![b'a'; 0x8_0000],
                b"\x94".to_vec(),
                b"h\x01".repeat(1000),
                b"e.".to_vec(),
            ]
            .concat(),
            "JSON would have",
        ),
        ("marks", nested(b"(", b"t"), "deeper than"),
        ("marks without end", b"(".repeat(BYTES_MAX), "shorter than"),
        ("values", nested(b"N", b"0"), ""),
        ("values without end", b"]".repeat(BYTES_MAX), "more than 200000 values"),
        (
            "memo entries without end",
            [b"N".to_vec(), b"\x94".repeat(BYTES_MAX - 2), b".".to_vec()].concat(),
            "more than 200000 values",
        ),
        ("a text of 2^64 bytes", claims(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), "shorter than"),
        ("a text of 4 GiB", claims(b"X\xff\xff\xff\xff"), "shorter than"),
        ("an int of 2 GiB", claims(b"\x8b\xff\xff\xff\x7f"), "shorter than"),
        ("an int of -1 bytes", claims(b"\x8b\xff\xff\xff\xff"), "shorter than"),
        ("a longer pickle", b"N".repeat(BYTES_MAX + 1), "at most 1048576 are read"),
    ];
    for (what, pickle, detail) in hostile {
        let started = Instant::now();
        let found = read(&pickle);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(2), "{what}: {took:?}");
        let fault = found.err().unwrap_or_else(|| panic!("{what} is read"));
        assert!(fault.detail.contains(detail), "{what}: {fault:?}");
    }
}

#[test]
fn pickles_up_to_the_limits_are_read() {
    let deep = |levels: usize| [b"]".repeat(levels), b"a".repeat(levels - 1), b".".to_vec()].concat();
    assert!(read(&deep(DEPTH_MAX)).is_ok());
    assert!(read(&deep(DEPTH_MAX + 1)).is_err());
    // serde_json parses the deepest one again.
    let text = read(&deep(DEPTH_MAX)).expect("a deep list").to_string();
    assert!(serde_json::from_str::<Value>(&text).is_ok());
    let wide = |values: usize| [b"](".to_vec(), b"N".repeat(values - 1), b"e.".to_vec()].concat();
    assert_eq!(read(&wide(VALUES_MAX)).expect("a wide list").as_array().map(Vec::len), Some(VALUES_MAX - 1));
    assert!(read(&wide(VALUES_MAX + 1)).is_err());
    // Python writes POP and POP_MARK for a tuple that contains itself, and fetches it again.
    assert_eq!(read(b"\x80\x02K\x01q\x00K\x02(K\x0310h\x000.").expect("a value"), json!(1));
}
