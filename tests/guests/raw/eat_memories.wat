;; A guest with two memories, each of which stays below the limit for all of them together.
(module
  (memory (export "memory") 1)
  (memory $other 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "ops:plugin/provider@0.2.0#describe") (result i32) unreachable)
  (func (export "ops:plugin/provider@0.2.0#run") (param i32 i32 i32 i32) (result i32)
    (loop $again
      (drop (memory.grow 0 (i32.const 16)))
      (drop (memory.grow $other (i32.const 16)))
      (br $again))
    unreachable))
