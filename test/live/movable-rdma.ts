import { readFileSync } from "node:fs";

/**
 * rdma_rxe as it would be if its driver could take a device away from its users, as those of real NICs can: the kernel
 * moves RDMA devices of such drivers only (ib_device_set_netns_put). In the table of its operations one that it can do
 * without, the counters, gives its place to disassociate_ucontext, which is called where a program has the device open.
 * `like` is the module of a driver that has it, and so tells where in the table it is.
 */
export function movableRxe(
  rxe: string,
  like: { file: string; table: string; operation: string },
): Uint8Array {
  const other = new Module(like.file);
  const [place] = other.placesOf(like.table, like.operation);
  const module = new Module(rxe);
  const [counters] = module.placesOf("rxe_dev_ops", "rxe_ib_alloc_hw_port_stats");
  if (place === undefined || counters === undefined) throw new Error(`${rxe}: its table is not as expected`);
  module.move("rxe_dev_ops", counters, place);
  return module.unsigned();
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

interface Symbol_ {
  readonly name: string;
  readonly section: number;
  readonly value: number;
}

const [SHT_SYMTAB, SHT_RELA] = [2, 4];

/** A kernel module: a relocatable file of ELF (elf.h), for 64 bits, little-endian. */
class Module {
  readonly #bytes: Buffer;
  readonly #sections: readonly Section[];
  readonly #symbols: readonly Symbol_[];

  constructor(file: string) {
    this.#bytes = readFileSync(file);
    const start = this.#number(0x28);
    const count = this.#bytes.readUInt16LE(0x3c);
    this.#sections = Array.from({ length: count }, (_, index) => this.#section(start + index * 64));
    this.#symbols = this.#readSymbols();
  }

  /** Where in a table the loader writes the address of a function. */
  placesOf(table: string, operation: string): number[] {
    const { value } = this.#symbol(table);
    const target = this.#symbol(operation);
    return this.#relocations(table)
      .filter(({ at }) => this.#targetOf(at) === `${target.section}:${target.value}`)
      .map(({ place }) => place - value);
  }

  /** Another place for what the loader writes at one. */
  move(table: string, from: number, to: number): void {
    const { value } = this.#symbol(table);
    const relocation = this.#relocations(table).find(({ place }) => place === value + from);
    if (relocation !== undefined) this.#bytes.writeBigUInt64LE(BigInt(value + to), relocation.at);
  }

  /** Without the signature behind it, which holds no more (struct module_signature). */
  unsigned(): Uint8Array {
    const mark = "~Module signature appended~\n";
    const end = this.#bytes.length - mark.length;
    if (this.#bytes.toString("latin1", end) !== mark) return this.#bytes;
    return this.#bytes.subarray(0, end - 12 - this.#bytes.readUInt32BE(end - 4));
  }

  #number(at: number): number {
    return Number(this.#bytes.readBigUInt64LE(at));
  }

  #section(at: number): Section {
    return {
      type: this.#bytes.readUInt32LE(at + 4),
      offset: this.#number(at + 24),
      size: this.#number(at + 32),
      link: this.#bytes.readUInt32LE(at + 40),
      info: this.#bytes.readUInt32LE(at + 44),
    };
  }

  #readSymbols(): Symbol_[] {
    const table = this.#sections.find(({ type }) => type === SHT_SYMTAB);
    const names = this.#sections[table?.link ?? 0];
    if (table === undefined || names === undefined) throw new Error("it is no module with symbols");
    return entries(table).map((at) => {
      const name = names.offset + this.#bytes.readUInt32LE(at);
      return {
        name: this.#bytes.toString("latin1", name, this.#bytes.indexOf(0, name)),
        section: this.#bytes.readUInt16LE(at + 6),
        value: this.#number(at + 8),
      };
    });
  }

  #symbol(name: string): Symbol_ {
    const found = this.#symbols.find((symbol) => symbol.name === name);
    if (found === undefined) throw new Error(`the module has no ${name}`);
    return found;
  }

  /** Of the section that a table is in: where each relocation is in the file, and what place it is for. */
  #relocations(table: string): { at: number; place: number }[] {
    const { section } = this.#symbol(table);
    const rela = this.#sections.find(({ type, info }) => type === SHT_RELA && info === section);
    return rela === undefined ? [] : entries(rela).map((at) => ({ at, place: this.#number(at) }));
  }

  /** What a relocation is to, as "section:offset": by a symbol of the function's, or of its section's, and what to add. */
  #targetOf(at: number): string {
    const symbol = this.#symbols[this.#bytes.readUInt32LE(at + 12)];
    return `${symbol?.section}:${(symbol?.value ?? 0) + this.#number(at + 16)}`;
  }
}

/** Symbols and relocations alike have 24 bytes each. */
const entries = ({ offset, size }: Section): number[] =>
  Array.from({ length: size / 24 }, (_, index) => offset + index * 24);
