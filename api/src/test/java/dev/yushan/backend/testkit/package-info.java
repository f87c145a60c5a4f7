/// What a backend author gets: a slow and obvious reference of every op, the checks that compare a
/// backend with it, and wrappers that find what only a device would punish.
package dev.yushan.backend.testkit;
