//! The opcodes for None, bools, numbers and texts.

use super::fault::Fault;
use super::input::Input;
use super::opcode::*;
use super::table::Node;

/// The value of an opcode without operands on the stack; `None` for any other opcode.
pub(super) fn scalar<'p>(input: &mut Input<'p>, opcode: u8) -> Result<Option<Node<'p>>, Fault> {
    Ok(Some(match opcode {
        NONE => Node::None,
        NEWTRUE => Node::Bool(true),
        NEWFALSE => Node::Bool(false),
        INT => match input.line()? {
            // The bools of protocols 0 and 1.
            b"00" => Node::Bool(false),
            b"01" => Node::Bool(true),
            digits => int(input, digits)?,
        },
        LONG => {
            let line = input.line()?;
            int(input, line.strip_suffix(b"L").unwrap_or(line))?
        }
        BININT => Node::Int(i32::from_le_bytes(input.array()?).into()),
        BININT1 => Node::Int(input.byte()?.into()),
        BININT2 => Node::Int(u16::from_le_bytes(input.array()?).into()),
        LONG1 => {
            let length = input.byte()?;
            long(input.take(length)?)?
        }
        LONG4 => {
            let length = i32::from_le_bytes(input.array()?);
            long(input.take(length)?)?
        }
        FLOAT => Node::Float(input.line_as()?),
        BINFLOAT => Node::Float(f64::from_be_bytes(input.array()?)),
        UNICODE => Node::Str(raw_unicode(input.line()?)?.into()),
        SHORT_BINUNICODE => {
            let length = input.byte()?;
            text(input.take(length)?)?
        }
        BINUNICODE => {
            let length = u32::from_le_bytes(input.array()?);
            text(input.take(length)?)?
        }
        BINUNICODE8 => {
            let length = u64::from_le_bytes(input.array()?);
            text(input.take(length)?)?
        }
        _ => return Ok(None),
    }))
}

/// An int in decimal digits.
fn int<'p>(input: &Input<'p>, digits: &[u8]) -> Result<Node<'p>, Fault> {
    let is_long = digits.iter().filter(|digit| digit.is_ascii_digit()).count() > 38;
    if is_long { Err(too_long()) } else { Ok(Node::Int(input.number(digits)?)) }
}

/// An int in two's complement, little-endian.
fn long<'p>(bytes: &[u8]) -> Result<Node<'p>, Fault> {
    let mut sixteen = match bytes.last() {
        Some(last) if *last >= 0x80 => [0xff; 16],
        _ => [0; 16],
    };
    sixteen.get_mut(..bytes.len()).ok_or_else(too_long)?.copy_from_slice(bytes);
    Ok(Node::Int(i128::from_le_bytes(sixteen)))
}

/// A str in UTF-8. Python lets a lone surrogate through.
fn text(bytes: &[u8]) -> Result<Node<'_>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| lone_surrogate())?;
    Ok(Node::Str(text.into()))
}

/// A str of protocol 0: Latin-1, and everything else as `\uXXXX` or `\UXXXXXXXX`. A backslash
/// before any other letter is itself.
fn raw_unicode(mut rest: &[u8]) -> Result<String, Fault> {
    let mut text = String::with_capacity(rest.len());
    while let Some((first, after)) = rest.split_first() {
        let digits = match (first, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        if digits == 0 {
            text.push(char::from(*first));
            rest = after;
            continue;
        }
        let code = after.get(1..=digits).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = code.and_then(|hex| u32::from_str_radix(hex, 16).ok());
        text.push(code.and_then(char::from_u32).ok_or_else(lone_surrogate)?);
        rest = after.get(1 + digits..).unwrap_or_default();
    }
    Ok(text)
}

fn too_long() -> Fault {
    Fault::limit("an int has more than 128 bits, or 38 digits".to_owned())
}

fn lone_surrogate() -> Fault {
    Fault::not_json("a str that is no Unicode text")
}
