;; A guest that grows a table for ever. No language compiles to this; an adversary writes it by hand.
(module
  (table $table 1 funcref)
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "ops:plugin/provider@0.2.0#describe") (result i32) unreachable)
  (func (export "ops:plugin/provider@0.2.0#run") (param i32 i32 i32 i32) (result i32)
    (loop $again
      (drop (table.grow $table (ref.null func) (i32.const 1000)))
      (br $again))
    unreachable))
