# The target `ablation`: chosen cells under both protocols and with one switch corrected at a time.


rule aggregate_ablation:
    input:
        [
            path.format(**c, file="users.parquet")
            for c in ABLATION.cells()
            for path in CELL_FILES
        ],
        [
            f"{ATTACK}/{file}.parquet".format(**a)
            for names in ABLATION.images()
            for a in GRID.runs_of(names)
            for file in ("outcome", "distances")
        ],
    output:
        ablation=f"{TABLES}/ablation.csv",
    log:
        f"{LOGS}/aggregate_ablation.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        code=code("aggregate_ablation"),
        options=options(
            **ABLATION.as_options(),
            repeats=GRID.repeats,
            runs_of_attacks=ABLATION.runs_of_attacks(GRID),
            cell=CELL,
            attack=ATTACK,
            k=config["metrics"]["k"],
            clean=GRID.clean,
            undefended=config["undefended"],
        ),
        files=files,
    shell:
        line("aggregate_ablation")


rule render_ablation:
    input:
        ablation=rules.aggregate_ablation.output.ablation,
    output:
        expand(f"{TABLES}/ablation.{{form}}", form=FORMS),
    log:
        f"{LOGS}/render_ablation.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        code=code("render_ablation"),
        options=options(
            style=config["tables"],
            attacks={name: config["attacks"][name] for name in GRID.names["attack"]},
            k=config["metrics"]["k"],
            clean=GRID.clean,
            folder=TABLES,
        ),
        files=files,
    shell:
        line("render_ablation")


rule decide_claims:
    input:
        ablation=rules.aggregate_ablation.output.ablation,
    output:
        claims=f"{TABLES}/ablation_claims.csv",
    log:
        f"{LOGS}/decide_claims.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        code=code("decide_claims"),
        published=PUBLISHED,
        options=options(stands_for=STANDING_FOR, k=config["metrics"]["k"]),
        files=files,
    shell:
        line("decide_claims")


rule ablation:
    input:
        rules.aggregate_ablation.output,
        rules.render_ablation.output,
        rules.decide_claims.output if COMPARES else [],
    localrule: True
