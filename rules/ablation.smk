# The target `ablation`: chosen cells under both protocols and with one switch corrected at a time.


rule aggregate_ablation:
    input:
        files_of_cells(list(ABLATION.cells()), "users.parquet"),
        [f"{ATTACK}/outcome.parquet".format(**a) for a in ABLATION.runs_of_attacks(GRID)],
        [f"{ATTACK}/distances.parquet".format(**a) for a in ABLATION.runs_of_attacks(GRID)],
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
        **told(
            "aggregate_ablation",
            **ABLATION.as_options(),
            repeats=GRID.repeats,
            images=ABLATION.runs_of_attacks(GRID),
            cell=CELL,
            attack=ATTACK,
            k=config["metrics"]["k"],
            clean=GRID.clean,
        ),
    shell:
        line("aggregate_ablation")


rule render_ablation:
    input:
        ablation=rules.aggregate_ablation.output.ablation,
    output:
        reported(expand(f"{TABLES}/ablation.{{form}}", form=FORMS)),
    log:
        f"{LOGS}/render_ablation.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "render_ablation",
            style=config["tables"],
            attacks={name: config["attacks"][name] for name in GRID.names["attack"]},
            k=config["metrics"]["k"],
            clean=GRID.clean,
            folder=TABLES,
        ),
    shell:
        line("render_ablation")


rule decide_claims:
    input:
        ablation=rules.aggregate_ablation.output.ablation,
    output:
        claims=reported(f"{TABLES}/ablation_claims.csv"),
    log:
        f"{LOGS}/decide_claims.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "decide_claims",
            stands_for=STANDING_FOR,
            k=config["metrics"]["k"],
            clean=GRID.clean,
        ),
        published=PUBLISHED,
    shell:
        line("decide_claims")


rule ablation:
    input:
        rules.aggregate_ablation.output,
        rules.render_ablation.output,
        rules.decide_claims.output if COMPARES else [],
    localrule: True
