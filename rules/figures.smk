# Figures of the tables, and of attacked images.


rule draw_figures:
    input:
        chr=rules.aggregate_cells.output.chr,
        images=rules.aggregate_images.output,
    output:
        expand(
            f"{RESULTS}/figures/{{figure}}.{{form}}",
            figure=["chr", "success"],
            form=["pdf", "png"],
        ),
    log:
        f"{RESULTS}/logs/draw_figures.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("draw_figures.py"),
        labels=json.dumps(config["tables"]["labels"], sort_keys=True),
        attacks=json.dumps({a: config["attacks"][a] for a in GRID["attacks"]}),
        clean=CLEAN,
        k=config["metrics"]["k"],
        confidence=config["metrics"]["confidence"],
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "draw_figures.py --labels {params.labels:q} --attacks {params.attacks:q}"
        " --clean {params.clean} --k {params.k} --confidence {params.confidence}"
        " --chr {input.chr} --images {input.images} --folder {params.folder} 2> {log}"


rule draw_examples:
    input:
        catalogue=of_dataset(f"{CATALOGUE}/images.zip"),
        attacked=f"{DATASET}/attacked.parquet",
        images=expand(
            f"{ATTACK}/images.zip",
            defense=config["undefended"],
            attack=NOT_CLEAN,
            allow_missing=True,
        ),
    output:
        expand(
            f"{RESULTS}/figures/images_{{dataset}}.{{form}}",
            form=["pdf", "png"],
            allow_missing=True,
        ),
    log:
        f"{RESULTS}/logs/draw_examples/{{dataset}}.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(PLAIN_MB),
        runtime=minutes(30),
    params:
        code=code("draw_examples.py"),
        labels=json.dumps(config["tables"]["labels"], sort_keys=True),
        attacks=json.dumps({a: config["attacks"][a] for a in NOT_CLEAN}),
        folder=lambda w, output: str(Path(output[0]).parent),
    shell:
        "draw_examples.py --dataset {wildcards.dataset} --labels {params.labels:q} --attacks {params.attacks:q}"
        " --catalogue {input.catalogue} --attacked {input.attacked} --images {input.images}"
        " --folder {params.folder} 2> {log}"
