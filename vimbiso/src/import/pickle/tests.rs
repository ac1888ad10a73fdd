//! Pickles of each protocol, and those that are rejected.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use serde_pickle::{HashableValue, SerOptions};

use super::{Fault, is_one, read};

// By Python 3.11: pickle.dumps(document, protocol).
const DOCUMENTS: [&[u8]; 6] = [
    b"(dp0\nVprofile\np1\n(dp2\nVmember\np3\n(dp4\nVmemberID\np5\nV7d1f\np6\nsVmemberTier\np7\nI2\nsss\
        Vcurrent_account\np8\n(dp9\nVaccountID\np10\nVacc_1\np11\nsVbalance\np12\nF12.5\nssVaccounts\np1\
        3\n(lp14\ng9\nag9\nasVpage_number\np15\nI300\nsVpending\np16\nI-70000\nsVtoken\np17\nNsVyes\np18\
        \nI01\nsVno\np19\nI00\nsVempty\np20\n(lp21\n(lp22\na(ta(dp23\nasVpairs\np24\n((I1\ntp25\n(I1\nI2\
        \ntp26\n(I1\nI2\nI3\ntp27\n(I1\nI2\nI3\nI4\ntp28\ntp29\nsVwide\np30\n(lp31\nL2147483648L\naL-922\
        3372036854775808L\naL1267650600228229401496703205376L\naF1e+16\naF-0.5\nasVname\np32\nVZo\xeb \\\
        u005cu0041 \\u000a \\u674e \\U0001f600\np33\ns.",
    b"}q\x00(X\x07\x00\x00\x00profileq\x01}q\x02X\x06\x00\x00\x00memberq\x03}q\x04(X\x08\x00\x00\x00me\
        mberIDq\x05X\x04\x00\x00\x007d1fq\x06X\n\x00\x00\x00memberTierq\x07K\x02usX\x0f\x00\x00\x00curre\
        nt_accountq\x08}q\x09(X\x09\x00\x00\x00accountIDq\nX\x05\x00\x00\x00acc_1q\x0bX\x07\x00\x00\x00b\
        alanceq\x0cG@)\x00\x00\x00\x00\x00\x00uX\x08\x00\x00\x00accountsq\x0d]q\x0e(h\x09h\x09eX\x0b\x00\
        \x00\x00page_numberq\x0fM,\x01X\x07\x00\x00\x00pendingq\x10J\x90\xee\xfe\xffX\x05\x00\x00\x00tok\
        enq\x11NX\x03\x00\x00\x00yesq\x12I01\nX\x02\x00\x00\x00noq\x13I00\nX\x05\x00\x00\x00emptyq\x14]q\
        \x15(]q\x16)}q\x17eX\x05\x00\x00\x00pairsq\x18((K\x01tq\x19(K\x01K\x02tq\x1a(K\x01K\x02K\x03tq\
        \x1b(K\x01K\x02K\x03K\x04tq\x1ctq\x1dX\x04\x00\x00\x00wideq\x1e]q\x1f(L2147483648L\nL-9223372036\
        854775808L\nL1267650600228229401496703205376L\nGCA\xc3y7\xe0\x80\x00G\xbf\xe0\x00\x00\x00\x00\
        \x00\x00eX\x04\x00\x00\x00nameq X\x16\x00\x00\x00Zo\xc3\xab \\u0041 \n \xe6\x9d\x8e \xf0\x9f\x98\
        \x80q!u.",
    b"\x80\x02}q\x00(X\x07\x00\x00\x00profileq\x01}q\x02X\x06\x00\x00\x00memberq\x03}q\x04(X\x08\x00\
        \x00\x00memberIDq\x05X\x04\x00\x00\x007d1fq\x06X\n\x00\x00\x00memberTierq\x07K\x02usX\x0f\x00\
        \x00\x00current_accountq\x08}q\x09(X\x09\x00\x00\x00accountIDq\nX\x05\x00\x00\x00acc_1q\x0bX\x07\
        \x00\x00\x00balanceq\x0cG@)\x00\x00\x00\x00\x00\x00uX\x08\x00\x00\x00accountsq\x0d]q\x0e(h\x09h\
        \x09eX\x0b\x00\x00\x00page_numberq\x0fM,\x01X\x07\x00\x00\x00pendingq\x10J\x90\xee\xfe\xffX\x05\
        \x00\x00\x00tokenq\x11NX\x03\x00\x00\x00yesq\x12\x88X\x02\x00\x00\x00noq\x13\x89X\x05\x00\x00\
        \x00emptyq\x14]q\x15(]q\x16)}q\x17eX\x05\x00\x00\x00pairsq\x18(K\x01\x85q\x19K\x01K\x02\x86q\x1a\
        K\x01K\x02K\x03\x87q\x1b(K\x01K\x02K\x03K\x04tq\x1ctq\x1dX\x04\x00\x00\x00wideq\x1e]q\x1f(\x8a\
        \x05\x00\x00\x00\x80\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80\x8a\x0d\x00\x00\x00\x00\x00\x00\
        \x00\x00\x00\x00\x00\x00\x10GCA\xc3y7\xe0\x80\x00G\xbf\xe0\x00\x00\x00\x00\x00\x00eX\x04\x00\x00\
        \x00nameq X\x16\x00\x00\x00Zo\xc3\xab \\u0041 \n \xe6\x9d\x8e \xf0\x9f\x98\x80q!u.",
    b"\x80\x03}q\x00(X\x07\x00\x00\x00profileq\x01}q\x02X\x06\x00\x00\x00memberq\x03}q\x04(X\x08\x00\
        \x00\x00memberIDq\x05X\x04\x00\x00\x007d1fq\x06X\n\x00\x00\x00memberTierq\x07K\x02usX\x0f\x00\
        \x00\x00current_accountq\x08}q\x09(X\x09\x00\x00\x00accountIDq\nX\x05\x00\x00\x00acc_1q\x0bX\x07\
        \x00\x00\x00balanceq\x0cG@)\x00\x00\x00\x00\x00\x00uX\x08\x00\x00\x00accountsq\x0d]q\x0e(h\x09h\
        \x09eX\x0b\x00\x00\x00page_numberq\x0fM,\x01X\x07\x00\x00\x00pendingq\x10J\x90\xee\xfe\xffX\x05\
        \x00\x00\x00tokenq\x11NX\x03\x00\x00\x00yesq\x12\x88X\x02\x00\x00\x00noq\x13\x89X\x05\x00\x00\
        \x00emptyq\x14]q\x15(]q\x16)}q\x17eX\x05\x00\x00\x00pairsq\x18(K\x01\x85q\x19K\x01K\x02\x86q\x1a\
        K\x01K\x02K\x03\x87q\x1b(K\x01K\x02K\x03K\x04tq\x1ctq\x1dX\x04\x00\x00\x00wideq\x1e]q\x1f(\x8a\
        \x05\x00\x00\x00\x80\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80\x8a\x0d\x00\x00\x00\x00\x00\x00\
        \x00\x00\x00\x00\x00\x00\x10GCA\xc3y7\xe0\x80\x00G\xbf\xe0\x00\x00\x00\x00\x00\x00eX\x04\x00\x00\
        \x00nameq X\x16\x00\x00\x00Zo\xc3\xab \\u0041 \n \xe6\x9d\x8e \xf0\x9f\x98\x80q!u.",
    b"\x80\x04\x95\\\x01\x00\x00\x00\x00\x00\x00}\x94(\x8c\x07profile\x94}\x94\x8c\x06member\x94}\x94(\
        \x8c\x08memberID\x94\x8c\x047d1f\x94\x8c\nmemberTier\x94K\x02us\x8c\x0fcurrent_account\x94}\x94(\
        \x8c\x09accountID\x94\x8c\x05acc_1\x94\x8c\x07balance\x94G@)\x00\x00\x00\x00\x00\x00u\x8c\x08acc\
        ounts\x94]\x94(h\x09h\x09e\x8c\x0bpage_number\x94M,\x01\x8c\x07pending\x94J\x90\xee\xfe\xff\x8c\
        \x05token\x94N\x8c\x03yes\x94\x88\x8c\x02no\x94\x89\x8c\x05empty\x94]\x94(]\x94)}\x94e\x8c\x05pa\
        irs\x94(K\x01\x85\x94K\x01K\x02\x86\x94K\x01K\x02K\x03\x87\x94(K\x01K\x02K\x03K\x04t\x94t\x94\
        \x8c\x04wide\x94]\x94(\x8a\x05\x00\x00\x00\x80\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80\x8a\
        \x0d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10GCA\xc3y7\xe0\x80\x00G\xbf\xe0\x00\x00\
        \x00\x00\x00\x00e\x8c\x04name\x94\x8c\x16Zo\xc3\xab \\u0041 \n \xe6\x9d\x8e \xf0\x9f\x98\x80\x94\
        u.",
    b"\x80\x05\x95\\\x01\x00\x00\x00\x00\x00\x00}\x94(\x8c\x07profile\x94}\x94\x8c\x06member\x94}\x94(\
        \x8c\x08memberID\x94\x8c\x047d1f\x94\x8c\nmemberTier\x94K\x02us\x8c\x0fcurrent_account\x94}\x94(\
        \x8c\x09accountID\x94\x8c\x05acc_1\x94\x8c\x07balance\x94G@)\x00\x00\x00\x00\x00\x00u\x8c\x08acc\
        ounts\x94]\x94(h\x09h\x09e\x8c\x0bpage_number\x94M,\x01\x8c\x07pending\x94J\x90\xee\xfe\xff\x8c\
        \x05token\x94N\x8c\x03yes\x94\x88\x8c\x02no\x94\x89\x8c\x05empty\x94]\x94(]\x94)}\x94e\x8c\x05pa\
        irs\x94(K\x01\x85\x94K\x01K\x02\x86\x94K\x01K\x02K\x03\x87\x94(K\x01K\x02K\x03K\x04t\x94t\x94\
        \x8c\x04wide\x94]\x94(\x8a\x05\x00\x00\x00\x80\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80\x8a\
        \x0d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10GCA\xc3y7\xe0\x80\x00G\xbf\xe0\x00\x00\
        \x00\x00\x00\x00e\x8c\x04name\x94\x8c\x16Zo\xc3\xab \\u0041 \n \xe6\x9d\x8e \xf0\x9f\x98\x80\x94\
        u.",
];

/// The document, its members in their order.
const JSON: &str = concat!(
    r#"{"profile":{"member":{"memberID":"7d1f","memberTier":2}},"current_account":{"accountID":"acc_1","balance":12.5},"#,
    r#""accounts":[{"accountID":"acc_1","balance":12.5},{"accountID":"acc_1","balance":12.5}],"page_number":300,"#,
    r#""pending":-70000,"token":null,"yes":true,"no":false,"empty":[[],[],{}],"pairs":[[1],[1,2],[1,2,3],[1,2,3,4]],"#,
    r#""wide":[2147483648,-9223372036854775808,1267650600228229401496703205376,1e+16,-0.5],"#,
    r#""name":"Zoë \\u0041 \n 李 😀"}"#
);

fn rejected(pickle: &[u8]) -> String {
    let Fault { reason, detail } = read(pickle).unwrap_err();
    format!("{reason}: {detail}")
}

#[test]
fn every_protocol_is_read() {
    for (protocol, pickle) in DOCUMENTS.iter().enumerate() {
        assert!(is_one(pickle), "protocol {protocol}");
        let found = read(pickle).unwrap_or_else(|fault| panic!("protocol {protocol}: {fault:?}"));
        assert_eq!(found.to_string(), JSON, "protocol {protocol}");
    }
}

#[test]
fn other_types_are_rejected_by_name() {
    let only = "the importer reads str, int, float, bool, None, list, tuple and dict";
    // By Python: dates, decimals, sets, bytes, instances; by hand: what Python no longer writes.
    #[rustfmt::skip]
    let many: [(&[u8], &str); 20] = [
        (b"cdatetime\ndate\np0\n(c_codecs\nencode\np1\n(V\x07\xe9\x02\x02\np2\nVlatin1\np3\ntp4\nRp5\ntp6\nRp7\n.", "GLOBAL datetime.date (a class or function): byte 0"),
        (b"\x80\x04\x95 \x00\x00\x00\x00\x00\x00\x00\x8c\x08datetime\x94\x8c\x04date\x94\x93\x94C\x04\x07\xe9\x02\x02\x94\x85\x94R\x94.", "STACK_GLOBAL datetime.date (a class or function): byte 29"),
        (b"\x80\x02cdecimal\nDecimal\nq\x00X\x03\x00\x00\x001.5q\x01\x85q\x02Rq\x03.", "GLOBAL decimal.Decimal (a class or function): byte 2"),
        (b"ccopy_reg\n_reconstructor\np0\n(c__builtin__\nobject\np1\ng1\nNtp2\nRp3\n.", "GLOBAL copy_reg._reconstructor (a class or function): byte 0"),
        (b"\x80\x04\x95\x07\x00\x00\x00\x00\x00\x00\x00\x8f\x94(K\x01\x90.", "EMPTY_SET (a set): byte 11"),
        (b"\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00(K\x01\x91\x94.", "FROZENSET (a frozenset): byte 14"),
        (b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00C\x01x\x94.", "SHORT_BINBYTES (bytes): byte 11"),
        (b"\x80\x05\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x96\x01\x00\x00\x00\x00\x00\x00\x00x\x94.", "BYTEARRAY8 (a bytearray): byte 11"),
        (b"cos\nsystem\n(S'echo'\ntR.", "GLOBAL os.system (a class or function): byte 0"),
        (b"(ios\nsystem\n.", "INST (an instance of a class): byte 1"),
        (b"N)R.", "REDUCE (a call): byte 2"),
        (b"N}b.", "BUILD (an instance of a class): byte 2"),
        (b"(No.", "OBJ (an instance of a class): byte 2"),
        (b"\x80\x02N)\x81.", "NEWOBJ (an instance of a class): byte 4"),
        (b"\x80\x04N)}\x92.", "NEWOBJ_EX (an instance of a class): byte 5"),
        (b"\x80\x02\x82\x01.", "EXT1 (a registered class): byte 2"),
        (b"\x80\x03NQ.", "BINPERSID (a reference to another store): byte 3"),
        (b"Pa\n.", "PERSID (a reference to another store): byte 0"),
        (b"\x80\x05\x97\x98.", "NEXT_BUFFER (a buffer): byte 2"),
        (b"S'IN'\np0\n.", "STRING (a str of Python 2): byte 0"),
    ];
    for (pickle, reason) in many {
        assert!(is_one(pickle), "{reason}");
        assert_eq!(rejected(pickle), format!("a pickle with {reason}: {only}"));
    }
    // A name that could garble a terminal, or fill it, is left out.
    let hostile = [&b"c\x1b[2J\nx\n."[..], &[&b"c"[..], &[b'a'; 80], b"\nx\n."].concat()];
    for pickle in hostile {
        assert_eq!(rejected(pickle), format!("a pickle with GLOBAL (a class or function): byte 0: {only}"));
    }
}

#[test]
fn values_that_json_lacks_are_rejected() {
    let lacking: [(&[u8], &str); 7] = [
        (
            b"\x80\x04\x95\n\x00\x00\x00\x00\x00\x00\x00G\x7f\xf8\x00\x00\x00\x00\x00\x00.",
            "a float that is infinite or not a number",
        ),
        (b"Finf\n.", "a float that is infinite or not a number"),
        (b"(dp0\nI1\nI2\ns.", "a key that is no str"),
        (b"\x80\x04}N\x88s.", "a key that is no str"),
        (b"V\\ud800\np0\n.", "a str that is no Unicode text"),
        (
            b"\x80\x04\x95\x07\x00\x00\x00\x00\x00\x00\x00\x8c\x03\xed\xa0\x80\x94.",
            "a str that is no Unicode text",
        ),
        (b"V\\u00\np0\n.", "a str that is no Unicode text"),
    ];
    for (pickle, what) in lacking {
        assert_eq!(rejected(pickle), format!("a pickle with {what}: JSON has none"));
    }
    for long in [
        &b"L1606938044258990275541962092341162602522202993782792835301376L\n."[..],
        &[&b"\x80\x02\x8a\x1a"[..], &[1; 26], b"."].concat(),
    ] {
        assert_eq!(rejected(long), "a pickle above a limit: an int has more than 128 bits, or 38 digits");
    }
}

#[test]
fn broken_pickles_are_rejected() {
    let broken: [(&[u8], &str); 12] = [
        (b"", "byte 0: it is shorter than it says"),
        (b"\x80\x04N", "byte 3: it is shorter than it says"),
        (b"NN.", "byte 3: something is left at its end"),
        (b"N.N", "byte 2: something is left at its end"),
        (b"(N.", "byte 3: something is left at its end"),
        (b".", "byte 1: its stack is empty"),
        (b"(a.", "byte 2: its stack is empty"),
        (b"NNa.", "byte 3: it appends to no list"),
        (b"}(Nu.", "byte 4: it sets items of no dict"),
        (b"Nt.", "byte 2: it has no mark"),
        (b"h\x05.", "byte 2: it refers to what it has not put"),
        (b"\xff.", "byte 0: 0xff is no opcode of Python's pickle"),
    ];
    for (pickle, detail) in broken {
        assert_eq!(rejected(pickle), format!("a broken pickle: {detail}"), "{pickle:?}");
    }
    assert_eq!(rejected(b"\x80\x06N."), "a pickle of protocol 6: the importer reads protocols 0 to 5");
    for pickle in DOCUMENTS {
        for end in 0..pickle.len() {
            assert!(read(&pickle[..end]).is_err(), "{end} bytes of {pickle:?}");
        }
    }
}

/// Values that serde-pickle writes.
fn values() -> impl Strategy<Value = serde_pickle::Value> {
    use serde_pickle::Value as Python;
    let leaf = prop_oneof![
        Just(Python::None),
        any::<bool>().prop_map(Python::Bool),
        any::<i64>().prop_map(Python::I64),
        (-70_000..70_000_i64).prop_map(Python::I64),
        any::<f64>().prop_filter("JSON has it", |number| number.is_finite()).prop_map(Python::F64),
        any::<String>().prop_map(Python::String),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let members =
            prop::collection::btree_map(any::<String>().prop_map(HashableValue::String), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Python::List),
            prop::collection::vec(inner, 0..6).prop_map(Python::Tuple),
            members.prop_map(Python::Dict),
        ]
    })
}

fn text(name: &HashableValue) -> String {
    match name {
        HashableValue::String(name) => name.clone(),
        other => panic!("{other:?} is not generated"),
    }
}

fn as_json(value: &serde_pickle::Value) -> Value {
    use serde_pickle::Value as Python;
    match value {
        Python::None => Value::Null,
        Python::Bool(value) => json!(value),
        Python::I64(value) => json!(value),
        Python::F64(value) => json!(value),
        Python::String(value) => json!(value),
        Python::List(items) | Python::Tuple(items) => items.iter().map(as_json).collect(),
        Python::Dict(members) => members.iter().map(|(name, value)| (text(name), as_json(value))).collect(),
        other => panic!("{other:?} is not generated"),
    }
}

proptest! {
    #[test]
    fn reader_agrees_with_serde_pickle(value in values(), old in any::<bool>()) {
        let options = if old { SerOptions::new().proto_v2() } else { SerOptions::new() };
        let pickle = serde_pickle::value_to_vec(&value, options).expect("a pickle");
        prop_assert_eq!(read(&pickle), Ok(as_json(&value)));
    }

    #[test]
    fn damaged_pickles_do_no_harm(at in 0..6_usize, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut pickle = DOCUMENTS[at].to_vec();
        for (place, byte) in damage {
            let place = place.index(pickle.len());
            pickle[place] = byte;
        }
        let started = Instant::now();
        let _ = read(&pickle);
        prop_assert!(started.elapsed() < Duration::from_secs(1));
    }
}
