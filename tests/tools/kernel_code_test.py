"""What tools/kernel_code.py sees in code that it is shown; `./dev check` shows it the real one."""

from kernel_code import check, functions, kernel_of

TILE = (
    "0000000000000000 <void plait::kernels::N_AVX3::RunTile<hwy::N_AVX3::Simd<float, 16ul, 0>, "
    "2, 1, (plait::kernels::TileForm)0>(plait::kernels::TileArgs const&)>:"
)
PEAK = "0000000000000000 <plait::kernels::N_SSE4::FmaBurst()>:"


def read(name: str, *code: str):
    """The kernel of these instructions, each of one byte: the first stands at address 0."""
    lines = [name, *(f"   {address:x}:\t{line}" for address, line in enumerate(code))]
    ((called, body),) = functions(lines)
    kernel = kernel_of(called, body)
    assert kernel is not None
    return kernel


def complaints_of(kernel):
    return [said for said in check([kernel]) if said.startswith(kernel.label)]


def test_a_loop_with_all_sums_in_registers_is_fine():
    kernel = read(
        TILE,
        "vmovaps %zmm0,0x40(%rsp)",  # before the loop
        "vbroadcastss (%rax),%zmm3",
        "vfmadd231ps (%rcx),%zmm3,%zmm1",
        "vfmadd231ps 0x4(%rcx){1to16},%zmm3,%zmm2",
        "jne    1 <RunTile<a, b>+0x1>",
    )
    assert kernel.label == "AVX3 pixel tile 2x1 packed"
    (loop,) = kernel.loops
    assert (loop.products, loop.accumulators, loop.vectors, loop.scalars) == (2, 2, 0, 0)
    assert complaints_of(kernel) == []


def test_a_sum_on_the_stack_is_found():
    kernel = read(
        TILE,
        "vfmadd231ps %zmm3,%zmm4,%zmm1",
        "vfmadd213ps 0x40(%rsp),%zmm3,%zmm4",
        "vmovaps %zmm4,0x40(%rsp)",
        "jne    0 <RunTile>",
    )
    assert complaints_of(kernel) == [
        "AVX3 pixel tile 2x1 packed: 1 accumulators of 2 in registers",
        "AVX3 pixel tile 2x1 packed: 2 vector operands on the stack",
    ]


def test_an_address_on_the_stack_is_found_and_a_frame_is_one_only_where_it_is_set_up():
    loop = (
        "mov    -0x8(%rbp),%rax",
        "vfmadd231ps (%rax),%zmm4,%zmm1",
        "vfmadd231ps 0x40(%rax),%zmm5,%zmm2",
        "jne    1 <RunTile>",
    )
    assert complaints_of(read(TILE, "mov    %rsp,%rbp", *loop)) == [
        "AVX3 pixel tile 2x1 packed: 1 other operands on the stack"
    ]
    assert complaints_of(read(TILE, "mov    %rsp,%rbx", *loop)) == []


def test_a_vector_that_is_loaded_again_is_found():
    loop = (
        "vfmadd231ps 0x40(%rax),%zmm3,%zmm1",
        "{between}",
        "vfmadd231ps 0x40(%rax),%zmm4,%zmm2",
        "vbroadcastss 0x40(%rax),%zmm5",
        "jne    0 <RunTile>",
    )

    def with_between(line: str):
        return complaints_of(read(TILE, *(code.format(between=line) for code in loop)))

    assert with_between("inc    %rcx") == ["AVX3 pixel tile 2x1 packed: 1 vectors loaded again"]
    assert with_between("add    $0x40,%rax") == []  # another address


def test_the_innermost_loop_counts():
    kernel = read(
        TILE,
        "mov    0x8(%rsp),%rcx",
        "vfmadd231ps (%rax),%zmm4,%zmm1",
        "vfmadd132ps (%rax),%zmm2,%zmm5",  # the sum goes from register 2 to 5
        "vmovaps %zmm5,%zmm2",
        "jne    1 <RunTile>",
        "jne    0 <RunTile>",
    )
    assert [(loop.start, loop.products, loop.scalars) for loop in kernel.loops] == [(1, 2, 0)]


def test_products_and_additions_apart_count_as_one():
    terms = [
        line
        for sum_ in range(12)
        for line in ("movaps %xmm14,%xmm15", "mulps  %xmm13,%xmm15", f"addps  %xmm15,%xmm{sum_}")
    ]
    kernel = read(PEAK, *terms, "jne    0 <FmaBurst>")
    assert [(loop.products, loop.accumulators) for loop in kernel.loops] == [(12, 12)]
    assert complaints_of(kernel) == []


def test_what_no_family_knows_is_found():
    kernel = read(
        PEAK.replace("FmaBurst", "RunNews"),
        "mulps  %xmm1,%xmm2",
        "addps  %xmm2,%xmm3",
        "jne    0 <RunNews>",
    )
    assert "no family" in complaints_of(kernel)[0]
