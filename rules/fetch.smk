# The target `fetch`: everything that the configuration names and the registry knows, before a run
# on machines without a network.

NAMED_FILES = {
    *(c["source"].get("path") for c in config["catalogues"].values()),
    *(d.get("weights") for d in config["defenses"].values()),
    backbone_file(None) or None,
}


rule fetch:
    log:
        f"{RESULTS}/logs/fetch.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    params:
        registry=BASE / "resources" / "downloads.yaml",
        places=sorted(NAMED_FILES - {None}),
    shell:
        "fetch.py --registry {params.registry:q} --places {params.places:q} 2>&1 | tee {log}"
