# The target `ablation`: chosen cells under both protocols and with one switch corrected at a time.


rule aggregate_ablation:
    input:
        files_of_cells(ABLATION.cells(), "users.parquet"),
        at_all(f"{ATTACK}/outcome.parquet", ABLATION.runs_of_attacks(GRID)),
        at_all(f"{ATTACK}/distances.parquet", ABLATION.runs_of_attacks(GRID)),
    output:
        ablation=f"{TABLES}/ablation.csv",
    log:
        f"{LOGS}/aggregate_ablation.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told("aggregate_ablation", cell=CELL, attack=ATTACK, **ABLATION.as_options(GRID)),
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
        **PLAIN,
    params:
        **told("render_ablation", k=config["metrics"]["k"], folder=TABLES, **SET.rendering),
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
        **PLAIN,
    params:
        **told("decide_claims", **CLAIMS),
        published=PUBLISHED,
    shell:
        line("decide_claims")


rule ablation:
    input:
        rules.aggregate_ablation.output,
        rules.render_ablation.output,
        rules.decide_claims.output if COMPARES else [],
    localrule: True
