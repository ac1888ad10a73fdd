//! The bytes of what makes a version.

use crate::state::Event;

pub(crate) fn byte_of(event: Event) -> u8 {
    match event {
        Event::Create => 1,
        Event::Update => 2,
        Event::Rollback => 3,
        Event::Reset => 4,
        Event::Recover => 5,
        Event::Lapse => 6,
    }
}

pub(crate) fn of_byte(byte: u8) -> Option<Event> {
    Some(match byte {
        1 => Event::Create,
        2 => Event::Update,
        3 => Event::Rollback,
        4 => Event::Reset,
        5 => Event::Recover,
        6 => Event::Lapse,
        _ => return None,
    })
}
