//! Macros that turn the one table of a subject's operations into code.

/// Defines an enum of operations from a table, and implements [`Operation`](crate::Operation) for it.
///
/// Each row has the operation's number in the bytes form, anything that the subject keeps with it (here a
/// weight, which `ROWS` gives back in the order of the table), and its fields, each with the operand that it
/// is written in. Older versions of the bytes form are listed first.
///
/// ```
/// cgolab_explore::operations! {
///     /// A stack of numbers.
///     pub enum Op {
///         older: [],
///         row: u32,
///         /// Pushes a number.
///         Push = 0, 4 => {
///             /// The number.
///             number: u8 = 0,
///         },
///         /// Pops a number.
///         Pop = 1, 1,
///     }
/// }
/// use cgolab_explore::Operation as _;
/// assert_eq!(Op::Push { number: 7 }.encode(), (0, [7, 0, 0]));
/// assert_eq!(Op::ROWS, [4, 1]);
/// ```
///
/// Numbers stand in their order and have no gap, or the table does not compile:
///
/// ```compile_fail
/// cgolab_explore::operations! {
///     /// One operation, whose number should be 0.
///     pub enum Op { older: [], row: (), /// The one.
///         Only = 1, (), }
/// }
/// ```
#[macro_export]
macro_rules! operations {
    (
        $(#[$doc:meta])*
        $visibility:vis enum $op:ident {
            older: [$($older:expr),* $(,)?],
            row: $row:ty,
            $(
                $(#[$operation_doc:meta])*
                $operation:ident = $number:literal, $value:expr $(=> {
                    $(
                        $(#[$field_doc:meta])*
                        $field:ident: $type:ty = $operand:literal,
                    )*
                })?,
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $op {
            $(
                $(#[$operation_doc])*
                $operation $({ $($(#[$field_doc])* $field: $type,)* })?,
            )*
        }

        const _: () = {
            let numbers = [$($number,)*];
            let mut index = 0;
            while index < numbers.len() {
                assert!(numbers[index] == index, "numbers are 0, 1, 2 and so on");
                index += 1;
            }
        };

        impl $crate::Operation for $op {
            type Row = $row;

            const ROWS: &'static [$row] = &[$($value,)*];

            const NAMES: &'static [&'static str] = &[$(stringify!($operation),)*];

            const FIELDS: &'static [&'static [$crate::Field]] = &[$(&[$($($crate::Field {
                name: stringify!($field),
                operand: $operand,
                values: <$type as $crate::Operand>::NAMES,
            },)*)?],)*];

            const OLDER: &'static [$crate::Form] = &[$($older,)*];

            fn decode(number: u8, operands: [u8; 3], version: u8) -> Self {
                let form = $crate::bytes::form::<Self>(version);
                let operand = |index: usize| {
                    if index < form.operands { operands[index] } else { 0 }
                };
                match number % form.operations {
                    $(
                        $number => Self::$operation $({
                            $($field: <$type as $crate::Operand>::decode(operand($operand), version),)*
                        })?,
                    )*
                    other => unreachable!("the table has no operation {other}"),
                }
            }

            fn encode(self) -> (u8, [u8; 3]) {
                let mut operands = [0; 3];
                let number = match self {
                    $(
                        Self::$operation $({ $($field),* })? => {
                            $($(operands[$operand] = <$type as $crate::Operand>::encode($field);)*)?
                            $number
                        }
                    )*
                };
                (number, operands)
            }
        }
    };
}

/// Defines an enum of the values that a field may have, and implements [`Operand`](crate::Operand) for it.
///
/// The bytes form numbers them in the order of the list, so new ones come last. An older version that knew
/// only the first few is said in front.
///
/// ```
/// cgolab_explore::values! {
///     /// A colour.
///     pub enum Colour {
///         known: [1: 2],
///         /// Red.
///         Red,
///         /// Green.
///         Green,
///         /// Blue, which version 1 did not have.
///         Blue,
///     }
/// }
/// use cgolab_explore::Operand as _;
/// assert_eq!(Colour::decode(2, 2), Colour::Blue);
/// assert_eq!(Colour::decode(2, 1), Colour::Red);
/// ```
#[macro_export]
macro_rules! values {
    (
        $(#[$doc:meta])*
        $visibility:vis enum $name:ident {
            known: [$($version:literal: $count:literal),*],
            $($(#[$value_doc:meta])* $value:ident,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            /// All of them, in the order of their number in the bytes form.
            $visibility const ALL: &'static [$name] = &[$($name::$value,)*];
        }

        impl $crate::Operand for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($value),)*];

            fn decode(byte: u8, version: u8) -> Self {
                let known = match version {
                    $($version => $count,)*
                    _ => Self::ALL.len(),
                };
                Self::ALL[usize::from(byte) % known]
            }

            fn encode(self) -> u8 {
                self as u8
            }
        }
    };
}
