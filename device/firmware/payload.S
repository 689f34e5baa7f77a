/* The package and the images in flash. */
	.section .package, "a"
	.balign 64
	.incbin PACKAGE
	.section .images, "a"
	.balign 4
	.incbin IMAGES
