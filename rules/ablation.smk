# The target `ablation`: chosen cells under both protocols and with one switch corrected at a time.


rule aggregate_ablation:
    input:
        per_user=ablation_cells(),
        visual=ablation_visual(),
    output:
        f"{TABLES}/ablation.csv",
    log:
        f"{RESULTS}/logs/aggregate_ablation.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("aggregate_ablation.py"),
        variants=json.dumps({name: asdict(v) for name, v in VARIANTS.items()}),
        axes=json.dumps({"defense": ABLATION["defenses"], "seed": config["seeds"]}),
        cell=verbatim(CELL),
        visual=verbatim(VISUAL),
        k=config["metrics"]["k"],
        clean=CLEAN,
        undefended=config["undefended"],
    shell:
        "aggregate_ablation.py --variants {params.variants:q} --axes {params.axes:q}"
        " --cell {params.cell:q} --visual {params.visual:q} --k {params.k}"
        " --clean {params.clean} --undefended {params.undefended}"
        " --output {output} 2> {log}"


rule render_ablation:
    input:
        rules.aggregate_ablation.output,
    output:
        expand(f"{TABLES}/ablation.{{suffix}}", suffix=["md", "tex", "html"]),
    log:
        f"{RESULTS}/logs/render_ablation.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("render_ablation.py"),
        style=json.dumps(config["tables"], sort_keys=True),
        attacks=json.dumps({a: config["attacks"][a] for a in GRID["attacks"]}),
        k=config["metrics"]["k"],
        clean=CLEAN,
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "render_ablation.py --style {params.style:q} --attacks {params.attacks:q}"
        " --k {params.k} --clean {params.clean} --ablation {input} --folder {params.folder} 2> {log}"


rule decide_claims:
    input:
        rules.aggregate_ablation.output,
    output:
        f"{TABLES}/ablation_claims.csv",
    log:
        f"{RESULTS}/logs/decide_claims.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("decide_claims.py"),
        published=content(sorted(PUBLISHED.glob("*.csv"))),
        datasets=json.dumps(STANDING_FOR),
        k=config["metrics"]["k"],
    shell:
        "decide_claims.py --datasets {params.datasets:q} --k {params.k}"
        " --ablation {input} --output {output} 2> {log}"


rule ablation:
    input:
        rules.aggregate_ablation.output,
        rules.render_ablation.output,
        rules.decide_claims.output if STANDING_FOR else [],
    localrule: True
