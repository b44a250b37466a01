//! Handle ids, which hosts hold in place of pointers.

use std::fmt;

/// The kind of object that a handle id names. The value is the id's tag and part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A runtime.
    Runtime = 1,
    /// A session inside a runtime.
    Session = 2,
    /// A request handed to a provider.
    Request = 3,
    /// Immutable bytes.
    Blob = 4,
    /// A signal that wakes a runtime's owner.
    WakeSource = 5,
}

impl Kind {
    fn from_tag(tag: u8) -> Option<Kind> {
        [
            Kind::Runtime,
            Kind::Session,
            Kind::Request,
            Kind::Blob,
            Kind::WakeSource,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == tag)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Runtime => "runtime",
            Kind::Session => "session",
            Kind::Request => "request",
            Kind::Blob => "blob",
            Kind::WakeSource => "wake source",
        })
    }
}

/// A handle id: kind tag (8 bits), generation (32 bits), slot (24 bits), from the top.
///
/// Zero is null for every kind. A generation is never zero, so every other number whose generation
/// or tag is zero is malformed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u64);

impl Id {
    /// The id that names no object.
    pub const NULL: Id = Id(0);

    /// The greatest number of slots in a table.
    pub const MAX_SLOTS: u32 = 1 << 24;

    /// Takes a number for an id. Every number is accepted here; most are refused when they are used.
    pub const fn from_raw(raw: u64) -> Id {
        Id(raw)
    }

    /// The number that crosses the C ABI.
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    /// The number of objects that its slot has had, this one included; `None` if no table could have issued it.
    pub fn generation(self) -> Option<u32> {
        self.unpack().map(|(_, generation, _)| generation)
    }

    pub(crate) fn pack(kind: Kind, generation: u32, slot: u32) -> Id {
        debug_assert!(generation != 0 && slot < Self::MAX_SLOTS);
        Id(((kind as u64) << 56) | (u64::from(generation) << 24) | u64::from(slot))
    }

    /// Kind, generation and slot, or `None` if no table could have issued this number.
    pub(crate) fn unpack(self) -> Option<(Kind, u32, u32)> {
        let kind = Kind::from_tag((self.0 >> 56) as u8)?;
        let generation = (self.0 >> 24) as u32;
        let slot = (self.0 & u64::from(Self::MAX_SLOTS - 1)) as u32;
        (generation != 0).then_some((kind, generation, slot))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unpack() {
            Some((kind, generation, slot)) => write!(f, "Id({kind} {slot} gen {generation})"),
            None => write!(f, "Id({:#x})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_packing_at_the_edges_of_its_fields() {
        for kind in [Kind::Runtime, Kind::WakeSource] {
            for generation in [1, u32::MAX] {
                for slot in [0, Id::MAX_SLOTS - 1] {
                    let id = Id::pack(kind, generation, slot);
                    assert_eq!(id.unpack(), Some((kind, generation, slot)));
                    assert_eq!(Id::from_raw(id.to_raw()), id);
                }
            }
        }
    }

    #[test]
    fn numbers_that_no_table_issues_do_not_unpack() {
        for raw in [0, 1, 1 << 24, 0xff << 56, (1 << 56) | 7, u64::MAX] {
            assert_eq!(Id::from_raw(raw).unpack(), None, "{raw:#x}");
        }
    }
}
