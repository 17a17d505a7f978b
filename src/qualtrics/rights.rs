//! The rights that this connector serves.

use crate::contract::Right;

/// The rights that this connector serves.
pub const RIGHTS: [Right; 3] = [Right::Access, Right::Deletion, Right::OptOut];
