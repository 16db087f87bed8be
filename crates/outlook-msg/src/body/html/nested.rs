//! The stack of open elements. Its depth is bounded, so that hostile nesting takes no time.

/// The elements that are open, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Nested<T> {
    known: Vec<T>,
    unknown: usize,
}

const NESTED_MAX: usize = 100;

impl<T> Nested<T> {
    pub(super) fn push(&mut self, element: T) {
        if self.known.len() < NESTED_MAX {
            self.known.push(element);
        } else {
            self.unknown += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        if self.unknown > 0 {
            self.unknown -= 1;
            return None;
        }
        self.known.pop()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.known.last_mut()
    }

    /// Whether any of them satisfies `is`.
    pub(super) fn any(&self, is: impl Fn(&T) -> bool) -> bool {
        self.known.iter().any(is)
    }

    /// Ends the innermost element for which `is` is true, and all elements inside it. Returns
    /// whether there was one. Elements beyond the bound are not known: one of them ends instead.
    pub(super) fn pop_until(&mut self, is: impl Fn(&T) -> bool) -> bool {
        if self.unknown > 0 {
            self.unknown -= 1;
            return true;
        }
        let found = self.known.iter().rposition(is);
        self.known.truncate(found.unwrap_or(self.known.len()));
        found.is_some()
    }
}
