//! The opcodes of Python's pickle, by the names of its module `pickletools`.

pub(super) const PROTO: u8 = 0x80;
pub(super) const FRAME: u8 = 0x95;
pub(super) const STOP: u8 = b'.';
pub(super) const MARK: u8 = b'(';
pub(super) const POP: u8 = b'0';
pub(super) const POP_MARK: u8 = b'1';

pub(super) const NONE: u8 = b'N';
pub(super) const NEWTRUE: u8 = 0x88;
pub(super) const NEWFALSE: u8 = 0x89;
pub(super) const INT: u8 = b'I';
pub(super) const BININT: u8 = b'J';
pub(super) const BININT1: u8 = b'K';
pub(super) const BININT2: u8 = b'M';
pub(super) const LONG: u8 = b'L';
pub(super) const LONG1: u8 = 0x8a;
pub(super) const LONG4: u8 = 0x8b;
pub(super) const FLOAT: u8 = b'F';
pub(super) const BINFLOAT: u8 = b'G';
pub(super) const UNICODE: u8 = b'V';
pub(super) const BINUNICODE: u8 = b'X';
pub(super) const SHORT_BINUNICODE: u8 = 0x8c;
pub(super) const BINUNICODE8: u8 = 0x8d;

pub(super) const EMPTY_LIST: u8 = b']';
pub(super) const LIST: u8 = b'l';
pub(super) const APPEND: u8 = b'a';
pub(super) const APPENDS: u8 = b'e';
pub(super) const EMPTY_TUPLE: u8 = b')';
pub(super) const TUPLE: u8 = b't';
pub(super) const TUPLE1: u8 = 0x85;
pub(super) const TUPLE2: u8 = 0x86;
pub(super) const TUPLE3: u8 = 0x87;
pub(super) const EMPTY_DICT: u8 = b'}';
pub(super) const DICT: u8 = b'd';
pub(super) const SETITEM: u8 = b's';
pub(super) const SETITEMS: u8 = b'u';

pub(super) const PUT: u8 = b'p';
pub(super) const BINPUT: u8 = b'q';
pub(super) const LONG_BINPUT: u8 = b'r';
pub(super) const MEMOIZE: u8 = 0x94;
pub(super) const GET: u8 = b'g';
pub(super) const BINGET: u8 = b'h';
pub(super) const LONG_BINGET: u8 = b'j';

/// These two name their class in two lines, and in the two texts on top of the stack.
pub(super) const GLOBAL: u8 = b'c';
pub(super) const STACK_GLOBAL: u8 = 0x93;

/// The name of an opcode that is not read, and what Python writes it for.
pub(super) fn foreign(opcode: u8) -> Option<(&'static str, &'static str)> {
    Some(match opcode {
        GLOBAL => ("GLOBAL", "a class or function"),
        STACK_GLOBAL => ("STACK_GLOBAL", "a class or function"),
        b'R' => ("REDUCE", "a call"),
        b'b' => ("BUILD", "an instance of a class"),
        b'i' => ("INST", "an instance of a class"),
        b'o' => ("OBJ", "an instance of a class"),
        0x81 => ("NEWOBJ", "an instance of a class"),
        0x92 => ("NEWOBJ_EX", "an instance of a class"),
        0x82 => ("EXT1", "a registered class"),
        0x83 => ("EXT2", "a registered class"),
        0x84 => ("EXT4", "a registered class"),
        b'P' => ("PERSID", "a reference to another store"),
        b'Q' => ("BINPERSID", "a reference to another store"),
        b'B' => ("BINBYTES", "bytes"),
        b'C' => ("SHORT_BINBYTES", "bytes"),
        0x8e => ("BINBYTES8", "bytes"),
        0x96 => ("BYTEARRAY8", "a bytearray"),
        0x97 => ("NEXT_BUFFER", "a buffer"),
        0x98 => ("READONLY_BUFFER", "a buffer"),
        b'S' => ("STRING", "a str of Python 2"),
        b'T' => ("BINSTRING", "a str of Python 2"),
        b'U' => ("SHORT_BINSTRING", "a str of Python 2"),
        0x8f => ("EMPTY_SET", "a set"),
        0x90 => ("ADDITEMS", "a set"),
        0x91 => ("FROZENSET", "a frozenset"),
        b'2' => ("DUP", "no type"),
        _ => return None,
    })
}
