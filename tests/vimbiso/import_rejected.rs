//! Values that the importer rejects: with which text, and within which memory and time (S3).

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::{Server, fingerprint};

use crate::import_program::{program, run, stdout};
use crate::pickled::leave_behind;

const ALL: [&str; 5] = ["--prefix", "vimbiso", "--dry-run", "cached-users", "--all"];

fn leave(server: &Server, values: &[(&[u8], &str)]) {
    let mut client = server.client();
    for (number, (value, _)) in values.iter().enumerate() {
        let key = format!("vimbiso:1:+26377000{number:04}_stage");
        client.ok(&[&b"SET"[..], key.as_bytes(), value]);
    }
}

/// S3: each text names the value's key and what to do or what is read, and no part of the value.
#[test]
fn each_rejection_says_why() {
    let server = Server::start();
    let compressed =
        "read it with django-redis, write it again without COMPRESSOR in CACHES, and import again";
    let only = "the importer reads str, int, float, bool, None, list, tuple and dict";
    // By Python's zlib, gzip and lzma, the magic bytes of lz4 and zstd; by Python's pickle in the
    // protocols 0, 2, 4 and 5.
    #[rustfmt::skip]
    let values: [(&[u8], &str); 14] = [
        (b"x\x9c\xab\x00\x00\x00y\x00y", &format!("a value compressed with zlib: KEY: {compressed}")),
        (b"\x1f\x8b\x08\x00'v\x0bk\x02\xff\xab\x00\x00\x83\x16\xdc\x8c\x01\x00\x00\x00", &format!("a value compressed with gzip: KEY: {compressed}")),
        (b"\x04\x22\x4d\x18secret", &format!("a value compressed with lz4: KEY: {compressed}")),
        (b"\x28\xb5\x2f\xfdsecret", &format!("a value compressed with zstd: KEY: {compressed}")),
        (b"\xfd7zXZ\x00\x00\x04\xe6\xd6secret", &format!("a value compressed with lzma: KEY: {compressed}")),
        (b"cos\nsystem\n(Vecho secret\ntR.", &format!("a pickle with GLOBAL os.system (a class or function): KEY: byte 0: {only}")),
        (b"\x80\x04\x95!\x00\x00\x00\x00\x00\x00\x00\x8c\x07decimal\x94\x8c\x07Decimal\x94\x93\x94\x8c\x031.5\x94\x85\x94R\x94.", &format!("a pickle with STACK_GLOBAL decimal.Decimal (a class or function): KEY: byte 31: {only}")),
        (b"\x80\x04\x95\x07\x00\x00\x00\x00\x00\x00\x00\x8f\x94(K\x01\x90.", &format!("a pickle with EMPTY_SET (a set): KEY: byte 11: {only}")),
        (b"\x80\x05\x95\x05\x00\x00\x00\x00\x00\x00\x00C\x01x\x94.", &format!("a pickle with SHORT_BINBYTES (bytes): KEY: byte 11: {only}")),
        (b"\x80\x02G\x7f\xf8\x00\x00\x00\x00\x00\x00.", "a pickle with a float that is infinite or not a number: KEY: JSON has none"),
        (b"\x80\x02}q\x00K\x01K\x02s.", "a pickle with a key that is no str: KEY: JSON has none"),
        (b"\x80\x06N.", "a pickle of protocol 6: KEY: the importer reads protocols 0 to 5"),
        (b"\x80\x02X\x0e\x00\x00\x00secret", "a broken pickle: KEY: byte 7: it is shorter than it says"),
        (b"\xc3\x28secret", "a value that is neither text nor a pickle: KEY: it is not UTF-8"),
    ];
    leave(&server, &values);
    let output = run(&server, &ALL, "");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let printed = stdout(&output);
    assert!(!format!("{output:?}").contains("secret"), "{printed}");
    for (number, (_, text)) in values.iter().enumerate() {
        let mobile = format!("+26377000{number:04}");
        let text = text.replace("KEY", &format!("vimbiso:1:{mobile}_stage"));
        assert!(printed.contains(&format!("rejected {mobile}: BADJSON {text}\n")), "{text}\n{printed}");
    }
    let summary = "\n14 found: 0 created, 0 would be created, 0 already there, 0 ended, 14 rejected; 0 with nothing found\n";
    assert!(printed.contains(summary), "{printed}");
    for reason in [
        "a value compressed with zlib",
        "a pickle with GLOBAL os.system (a class or function)",
        "a broken pickle",
    ] {
        assert!(printed.contains(&format!("\n1 rejected: BADJSON {reason}\n")), "{printed}");
    }
}

/// Runs the program with at most 256 MiB of address space.
fn run_small(server: &Server) -> Output {
    Command::new("sh")
        .args(["-c", "ulimit -v 262144 && exec \"$0\" \"$@\""])
        .arg(program())
        .args(ALL)
        .env("REDIS_STATE_URL", server.url())
        .output()
        .expect("sh")
}

/// S3: pickles that would take gigabytes, minutes or the whole stack are rejected one by one, and
/// the user between them is imported.
#[test]
fn hostile_pickles_take_little_memory_and_time() {
    const MIB: usize = 1 << 20;
    let nested = |open: &[u8], close: &[u8], times: usize| {
        [open.repeat(times), close.repeat(times), b".".to_vec()].concat()
    };
    let laughs: Vec<u8> =
        (0..40_u8).flat_map(|n| [&b"0]\x94("[..], &[b'h', n].repeat(99), b"e"].concat()).collect();
    let hostile = [
        [b"]".to_vec(), nested(b"]", b"a", 90_000)].concat(),
        nested(b"(", b"t", 90_000),
        [b"(".repeat(MIB - 1), b".".to_vec()].concat(),
        [b"]".repeat(MIB - 1), b".".to_vec()].concat(),
        [&b"N"[..], &b"\x94".repeat(MIB - 2), b"."].concat(),
        [&b"N\x94"[..], &laughs, b"."].concat(),
        b"]q\x00(h\x00h\x00h\x00e.".to_vec(),
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.".to_vec(),
        b"\x80\x04X\xff\xff\xff\x7fa.".to_vec(),
        b"\x80\x02\x8b\xff\xff\xff\x7f\x01.".to_vec(),
        [&b"\x80\x04"[..], &b"N".repeat(8 * MIB)].concat(),
    ];
    let server = Server::start();
    let values: Vec<(&[u8], &str)> = hostile.iter().map(|value| (value.as_slice(), "")).collect();
    leave(&server, &values);
    leave_behind(&mut server.client(), "vimbiso", "+263779999999", 4);
    let before = fingerprint(&mut server.client());
    let started = Instant::now();
    let output = run_small(&server);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let printed = stdout(&output);
    assert!(
        printed.contains("\n12 found: 0 created, 1 would be created, 0 already there, 0 ended, 11 rejected;"),
        "{printed}"
    );
    assert_eq!(fingerprint(&mut server.client()), before);
}
