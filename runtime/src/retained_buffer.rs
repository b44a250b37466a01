//! A session's retained buffer: memory of the host that the runtime keeps and writes to.
//!
//! While a buffer is attached, each load of the session writes its bytes to it when it completes, on the
//! thread that completes it. A write and a detach exclude each other: when a detach has returned, nothing
//! writes any more, and the host may free or move the memory.

use std::fmt;

use crate::error::{Error, Word};
use crate::sync::Mutex;

/// Memory that the host lends for writing.
pub trait HostMemory: Send {
    /// The number of bytes that fit.
    fn capacity(&self) -> usize;

    /// Writes `bytes`, which fit, from the beginning.
    fn write(&mut self, bytes: &[u8]);

    /// Copies the first `len` bytes. They were written before.
    fn read(&self, len: usize) -> Vec<u8>;
}

/// The place in a session where a buffer is attached.
pub(crate) struct RetainedBuffer {
    attached: Mutex<Option<Attached>>,
}

struct Attached {
    memory: Box<dyn HostMemory>,
    /// The number of bytes that the last load wrote.
    len: usize,
}

impl RetainedBuffer {
    pub(crate) fn new() -> RetainedBuffer {
        RetainedBuffer {
            attached: Mutex::new(None),
        }
    }

    /// Attaches memory for writing.
    ///
    /// # Errors
    /// [`Word::BufferAttached`] if there is a buffer, which must be detached first.
    pub(crate) fn attach(&self, memory: Box<dyn HostMemory>) -> Result<(), Error> {
        let mut attached = self.attached.lock();
        if attached.is_some() {
            return Err(Error::new(
                Word::BufferAttached,
                "the session has a buffer; detach it first",
            ));
        }
        *attached = Some(Attached { memory, len: 0 });
        Ok(())
    }

    /// Gives the memory back, after waiting for a write that is under way.
    ///
    /// # Errors
    /// [`Word::NoBuffer`] if there is none.
    pub(crate) fn detach(&self) -> Result<Box<dyn HostMemory>, Error> {
        let attached = self.attached.lock().take();
        attached
            .map(|attached| attached.memory)
            .ok_or_else(no_buffer)
    }

    /// Reports whether a buffer is attached.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn is_attached(&self) -> bool {
        self.attached.lock().is_some()
    }

    /// Writes the bytes of a load that completed, as many as fit.
    pub(crate) fn store(&self, bytes: &[u8]) {
        // Held during the write, so that a detach waits for it.
        if let Some(attached) = &mut *self.attached.lock() {
            attached.len = bytes.len().min(attached.memory.capacity());
            attached.memory.write(&bytes[..attached.len]);
        }
    }

    /// A copy of the bytes that were written last.
    ///
    /// # Errors
    /// [`Word::NoBuffer`].
    pub(crate) fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let attached = self.attached.lock();
        let attached = attached.as_ref().ok_or_else(no_buffer)?;
        Ok(attached.memory.read(attached.len))
    }
}

fn no_buffer() -> Error {
    Error::new(Word::NoBuffer, "the session has no buffer")
}

impl fmt::Debug for RetainedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attached = self.attached.lock();
        f.debug_tuple("RetainedBuffer")
            .field(&attached.as_ref().map(|attached| attached.len))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Bytes(Vec<u8>);

    impl HostMemory for Bytes {
        fn capacity(&self) -> usize {
            self.0.len()
        }

        fn write(&mut self, bytes: &[u8]) {
            self.0[..bytes.len()].copy_from_slice(bytes);
        }

        fn read(&self, len: usize) -> Vec<u8> {
            self.0[..len].to_vec()
        }
    }

    #[test]
    fn val_13_a_buffer_takes_the_last_load_until_it_is_detached() {
        let buffer = RetainedBuffer::new();
        buffer.store(b"nowhere");
        assert_eq!(buffer.snapshot().unwrap_err().word(), Word::NoBuffer);
        buffer.attach(Box::new(Bytes(vec![9; 4]))).unwrap();
        assert_eq!(buffer.snapshot().unwrap(), b"");
        let second = buffer.attach(Box::new(Bytes(vec![]))).unwrap_err();
        assert_eq!(second.word(), Word::BufferAttached);
        buffer.store(b"longer than that");
        assert_eq!(buffer.snapshot().unwrap(), b"long");
        buffer.store(b"ab");
        assert_eq!(buffer.snapshot().unwrap(), b"ab");
        let memory = buffer.detach().unwrap();
        buffer.store(b"late");
        assert_eq!(memory.read(4), b"abng");
        assert_eq!(buffer.detach().err().unwrap().word(), Word::NoBuffer);
    }
}
