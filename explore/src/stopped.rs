//! Steps that end without a result: the driver saw something that must not be, or the call hangs.

use std::any::Any;
use std::fmt;
use std::panic::resume_unwind;

use crate::Contract;

/// A step without a result, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The contract in question, if the driver knows it.
    pub contract: Option<Contract>,
    /// A sentence.
    pub text: String,
    /// The call did not come back: the driver is of no use any more.
    pub hung: bool,
}

/// A mistake that a driver, which is a host, can see by itself.
#[derive(Debug)]
struct Violation {
    contract: Contract,
    text: String,
}

/// Ends the step if the two are not equal: a check of something that the model does not know.
pub fn holds<T: PartialEq + fmt::Debug>(
    contract: Contract,
    what: impl fmt::Display,
    expected: T,
    observed: T,
) {
    if expected != observed {
        violated(contract, format!("{what}: {observed:?}, not {expected:?}"));
    }
}

/// Ends the step, which [`Lanes`](crate::Lanes) turn into a [`Stopped`] with this contract.
pub fn violated(contract: Contract, text: String) -> ! {
    // Does not call the panic hook: it is told in the report.
    resume_unwind(Box::new(Violation { contract, text }))
}

impl Stopped {
    /// A call that did not come back.
    pub(crate) fn hung(text: String) -> Stopped {
        Stopped {
            contract: None,
            text,
            hung: true,
        }
    }

    /// Reads the panic of a step.
    pub fn of_panic(payload: &(dyn Any + Send)) -> Stopped {
        let (contract, text) = if let Some(violation) = payload.downcast_ref::<Violation>() {
            (Some(violation.contract), violation.text.clone())
        } else {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            let text = text.unwrap_or("without a text");
            (None, format!("the call panicked: {text}"))
        };
        Stopped {
            contract,
            text,
            hung: false,
        }
    }
}
