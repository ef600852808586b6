//! `get`: one object.

use crate::respond::Answer;
use crate::route::Target;
use crate::status::ApiError;
use crate::world::World;

pub(crate) fn get(world: &World, target: &Target) -> Result<Answer, ApiError> {
    super::current(world, target).map(Answer::ok)
}
