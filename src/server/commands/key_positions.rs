//! Which arguments of a command are keys, for the routing of a cluster.
//!
//! ACL checks and COMMAND GETKEYS use the key specs. But to route a module's command in a cluster,
//! every release up to Redis 8 and Valkey 8 uses only specs with a fixed position, and asks the
//! module for keys that follow a keyword. So commands with such keys have the flag `getkeys-api`
//! and answer here. If a spec finds no keys, ACL checks use this answer too.

use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

/// Reports the key positions, if the server asks for them. Returns whether it asked.
pub fn answer_key_positions(ctx: Ctx, args: &[RedisStr]) -> bool {
    if !ctx.is_asked_for_keys() {
        return false;
    }
    positions(args).into_iter().for_each(|position| ctx.key_at(position));
    true
}

/// The positions of the first argument, of the value of AUDIT, and of the keys that follow ALIGN
/// and their number, as far as they exist.
fn positions<T: AsRef<[u8]>>(args: &[T]) -> Vec<usize> {
    let find = |keyword: &[u8]| {
        let found = args.iter().skip(2).position(|word| word.as_ref().eq_ignore_ascii_case(keyword));
        found.map(|at| at + 3)
    };
    let numkeys = |at: usize| std::str::from_utf8(args.get(at)?.as_ref()).ok()?.parse().ok();
    let siblings = find(b"ALIGN").and_then(|at| {
        let count: usize = numkeys(at)?;
        Some(at + 1..args.len().min((at + 1).saturating_add(count)))
    });
    let audit = find(b"AUDIT").filter(|at| *at < args.len());
    std::iter::once(1).chain(audit).chain(siblings.unwrap_or(0..0)).collect()
}

#[cfg(test)]
mod tests {
    fn positions(line: &str) -> Vec<usize> {
        super::positions(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn keys_are_the_first_argument_and_those_after_a_keyword() {
        assert_eq!(positions("STATE.TOUCH k EX 60"), [1]);
        assert_eq!(positions("STATE.TOUCH k audit a EX 60"), [1, 3]);
        assert_eq!(positions("STATE.TOUCH k ALIGN 2 x y EX 60 AUDIT a"), [1, 9, 4, 5]);
        for cut in [
            "STATE.TOUCH k ALIGN",
            "STATE.TOUCH k ALIGN x",
            "STATE.TOUCH k ALIGN -1 x",
            "STATE.TOUCH k AUDIT",
        ] {
            assert_eq!(positions(cut), [1], "{cut}");
        }
        assert_eq!(positions("STATE.TOUCH k ALIGN 18446744073709551615 x y"), [1, 4, 5]);
    }
}
