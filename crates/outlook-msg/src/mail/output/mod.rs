//! What is made of a [`Mail`](crate::Mail) for people and for tables.
//!
//! | what | module |
//! |---|---|
//! | what people see above the body | `summary` |
//! | a text for a terminal | `printed`, `printable` |
//! | a page of HTML | `page` |
//! | a row of a table | `row` |

pub(super) mod page;
pub(super) mod printable;
pub(super) mod printed;
pub(super) mod row;
mod summary;
