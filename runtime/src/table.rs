//! Generational handle tables.
//!
//! An [`Id`] carries the generation of its slot. Releasing an object and reusing its slot raises the
//! generation, so an old id is recognised instead of reaching the newer object. A slot whose
//! generation cannot rise any more is retired: an id is never issued twice.

use crate::error::{Error, Word};
use crate::id::{Id, Kind};
use crate::sync::refusal::{Step, step};
use crate::sync::{Arc, Mutex};

/// Objects of one kind, reachable by id from any thread.
///
/// A look-up returns an [`Arc`]: the object stays alive for the call that uses it, even if another thread
/// releases it meanwhile.
#[derive(Debug)]
pub(crate) struct Table<T> {
    kind: Kind,
    last_generation: u32,
    slots: Mutex<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    all: Vec<Slot<T>>,
    /// Slots that are free and whose generation can still rise. The last one released is reused first, so that
    /// stale ids meet a reused slot as early as possible.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    /// The generation of the object in the slot, or of the last one. Never 0.
    generation: u32,
    object: Option<Arc<T>>,
}

impl<T> Table<T> {
    /// An empty table whose slots retire after `last_generation` (tests shrink it).
    pub(crate) fn new(kind: Kind, last_generation: u32) -> Table<T> {
        assert!(last_generation >= 1, "a slot needs at least one generation");
        Table {
            kind,
            last_generation,
            slots: Mutex::new(Slots {
                all: Vec::new(),
                free: Vec::new(),
            }),
        }
    }

    /// Stores the object and issues its id.
    ///
    /// # Errors
    /// [`Word::Exhausted`].
    pub(crate) fn insert(&self, object: T) -> Result<Id, Error> {
        let mut slots = self.slots.lock();
        if step(Step::Handle).is_err() {
            return Err(self.exhausted(slots.all.len()));
        }
        if let Some(index) = slots.free.pop() {
            let slot = &mut slots.all[index as usize];
            slot.generation += 1;
            slot.object = Some(Arc::new(object));
            return Ok(Id::pack(self.kind, slot.generation, index));
        }
        let index = slots.all.len() as u32;
        if index == Id::MAX_SLOTS {
            return Err(self.exhausted(slots.all.len()));
        }
        slots.all.push(Slot {
            generation: 1,
            object: Some(Arc::new(object)),
        });
        Ok(Id::pack(self.kind, 1, index))
    }

    fn exhausted(&self, slots: usize) -> Error {
        Error::new(
            Word::Exhausted,
            format!("all {slots} {} handles are in use", self.kind),
        )
    }

    /// The live object that `id` names.
    pub(crate) fn get(&self, id: Id) -> Result<Arc<T>, Error> {
        let mut slots = self.slots.lock();
        self.find(&mut slots, id)
            .map(|(_, object)| Arc::clone(object.as_ref().expect("find returns occupied slots")))
    }

    /// Ends the id. One of several concurrent callers gets the object; for the others the id is stale.
    ///
    /// The object lives until its last user drops it, which happens outside the lock.
    pub(crate) fn remove(&self, id: Id) -> Result<Arc<T>, Error> {
        let mut slots = self.slots.lock();
        let (index, object) = self.find(&mut slots, id)?;
        let object = object.take().expect("find returns occupied slots");
        if slots.all[index as usize].generation < self.last_generation {
            slots.free.push(index);
        }
        Ok(object)
    }

    /// Forgets every id that was ever issued, of which none is live.
    pub(crate) fn forget(&self) {
        let mut slots = self.slots.lock();
        slots.all.clear();
        slots.free.clear();
    }

    /// Releases every object, in no particular order.
    pub(crate) fn abandon(&self) {
        let objects: Vec<Arc<T>> = {
            let mut slots = self.slots.lock();
            slots
                .all
                .iter_mut()
                .filter_map(|slot| slot.object.take())
                .collect()
        };
        // Outside the lock: an object's drop is not our code.
        drop(objects);
    }

    /// The number of live objects.
    pub(crate) fn live(&self) -> usize {
        let slots = self.slots.lock();
        slots
            .all
            .iter()
            .filter(|slot| slot.object.is_some())
            .count()
    }

    /// The occupied slot that `id` names, or the refusal of the id.
    fn find<'a>(
        &self,
        slots: &'a mut Slots<T>,
        id: Id,
    ) -> Result<(u32, &'a mut Option<Arc<T>>), Error> {
        let kind = self.kind;
        if id == Id::NULL {
            return Err(Error::new(Word::Null, format!("the {kind} handle is null")));
        }
        let refuse = |word, why: &str| {
            Err(Error::new(
                word,
                format!("{kind} handle {:#x} {why}", id.to_raw()),
            ))
        };
        let Some((found, generation, index)) = id.unpack() else {
            return refuse(Word::Malformed, "is not a handle of this library");
        };
        if found != kind {
            return Err(Error::new(
                Word::WrongKind,
                format!("expected a {kind} handle, got a {found} handle"),
            ));
        }
        let Some(slot) = slots.all.get_mut(index as usize) else {
            return refuse(Word::NeverIssued, "was never issued");
        };
        if generation > slot.generation {
            return refuse(Word::FutureGeneration, "was not issued yet");
        }
        if generation < slot.generation || slot.object.is_none() {
            return refuse(Word::Stale, "was released");
        }
        Ok((index, &mut slot.object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word<T: std::fmt::Debug>(result: Result<T, Error>) -> Word {
        result.expect_err("should be refused").word()
    }

    #[test]
    fn hdl_05_a_released_id_is_stale_also_after_its_slot_is_reused() {
        let table = Table::new(Kind::Blob, u32::MAX);
        let old = table.insert("old").unwrap();
        assert_eq!(*table.remove(old).unwrap(), "old");
        assert_eq!(word(table.get(old)), Word::Stale);
        let new = table.insert("new").unwrap();
        assert_ne!(old, new);
        assert_eq!(word(table.get(old)), Word::Stale);
        assert_eq!(word(table.remove(old)), Word::Stale);
        assert_eq!(*table.get(new).unwrap(), "new");
    }

    #[test]
    fn hdl_07_each_kind_of_nonsense_has_its_own_word() {
        let table = Table::new(Kind::Blob, u32::MAX);
        let id = table.insert(()).unwrap();
        let never = Id::pack(Kind::Blob, 1, 1);
        let future = Id::pack(Kind::Blob, 2, 0);
        let zero_generation = Id::from_raw((Kind::Blob as u64) << 56);
        assert_eq!(word(table.get(Id::NULL)), Word::Null);
        assert_eq!(word(table.get(never)), Word::NeverIssued);
        assert_eq!(word(table.get(future)), Word::FutureGeneration);
        assert_eq!(word(table.get(zero_generation)), Word::Malformed);
        assert_eq!(word(table.get(Id::from_raw(u64::MAX))), Word::Malformed);
        assert_eq!(table.live(), 1);
        table.get(id).unwrap();
    }

    #[test]
    fn hdl_06_a_wrong_kind_names_both_kinds() {
        let table: Table<()> = Table::new(Kind::Session, u32::MAX);
        let error = table.get(Id::pack(Kind::Blob, 1, 0)).unwrap_err();
        assert_eq!(error.word(), Word::WrongKind);
        let text = error.to_string();
        assert!(text.contains("session") && text.contains("blob"), "{text}");
    }

    #[test]
    fn hdl_14_a_slot_whose_generation_would_wrap_is_retired() {
        let table = Table::new(Kind::Blob, 2);
        let first = table.insert(1).unwrap();
        table.remove(first).unwrap();
        let second = table.insert(2).unwrap();
        table.remove(second).unwrap();
        let third = table.insert(3).unwrap();
        let slot = |id: Id| id.unpack().unwrap().2;
        assert_eq!((slot(first), slot(second), slot(third)), (0, 0, 1));
        assert_eq!(word(table.get(first)), Word::Stale);
        assert_eq!(word(table.get(second)), Word::Stale);
    }

    #[test]
    fn hdl_10_an_object_in_use_outlives_its_id() {
        let table = Table::new(Kind::Blob, u32::MAX);
        let id = table.insert(vec![7]).unwrap();
        let held = table.get(id).unwrap();
        drop(table.remove(id).unwrap());
        assert_eq!(*held, [7]);
        assert_eq!(table.live(), 0);
    }
}
